import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ListPage } from "../api/types.ts";
import { DataTable, type Column, type Selection, type Sorting } from "./data-table.tsx";
import { LIST } from "./list-keys.ts";
import { Pager } from "./pager.tsx";
import { ErrorBox, Loading } from "./states.tsx";
import type { Cursor } from "./use-view.ts";

interface ListCardProps<Row> {
  label: string;
  filters?: ReactNode;
  query: UseQueryResult<ListPage<Row>>;
  /** In place of the query's: the same in another order. */
  rows?: Row[] | undefined;
  columns: Column<Row>[];
  href?: (row: Row) => string;
  selection?: Selection;
  sorting?: Sorting | undefined;
  cursor: Cursor;
  /** Instead of the table when there is no row. */
  empty: ReactNode;
}

/** A list with its filters, its states and its pages. */
export function ListCard<Row extends { id: string }>(props: ListCardProps<Row>) {
  const { label, filters, query, rows, columns, href, selection, sorting, cursor, empty } = props;
  const { data, error, isPending, isPlaceholderData, refetch } = query;
  return (
    <section className="rb-card" aria-label={label} aria-busy={isPending} {...LIST}>
      {filters}
      {error !== null && <ErrorBox error={error} retry={() => void refetch()} />}
      {isPending && <Loading />}
      {data?.data.length === 0 && error === null && empty}
      {data !== undefined && data.data.length > 0 && error === null && (
        <>
          <DataTable
            label={label}
            columns={columns}
            rows={rows ?? data.data}
            href={href}
            selection={selection}
            sorting={sorting}
            dimmed={isPlaceholderData}
          />
          <Pager cursor={cursor} next={data.next_cursor} shown={data.data.length} />
        </>
      )}
    </section>
  );
}
