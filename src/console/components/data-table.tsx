import { Checkbox, Table, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import {
  createColumnHelper,
  rowSelectionFeature,
  tableFeatures,
  useTable,
  type RowSelectionState,
} from "@tanstack/react-table";
import { useMemo, type MouseEvent, type ReactNode } from "react";
import { useHref, useNavigate } from "react-router";
import classes from "./data-table.module.css";

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  align?: "right";
  /** Takes what the others leave (shared between two at most), and cuts what does not fit. */
  grow?: boolean;
  /** Its head puts the rows in order, this way first, when the table can. */
  sortable?: "ascending" | "descending";
}

export interface Order {
  column: string;
  /** The other way than `sortable` says. */
  reversed: boolean;
}

export interface Sorting {
  order: Order | null;
  /** The column, with a minus before it when it is reversed; null: as the server has them. */
  onChange: (order: string | null) => void;
}

export interface Selection {
  selected: RowSelectionState;
  onChange: (selected: RowSelectionState) => void;
}

interface DataTableProps<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  /** The page that a click on the row leads to; one cell must hold the same link for the keyboard. */
  href?: (row: Row) => string;
  selection?: Selection;
  sorting?: Sorting | undefined;
  /** Older rows stay while newer ones are fetched. */
  dimmed?: boolean;
}

const features = tableFeatures({ rowSelectionFeature });
const NONE: RowSelectionState = {};

/** A page of rows. On a phone each row becomes a card. */
export function DataTable<Row extends { id: string }>(props: DataTableProps<Row>) {
  const { label, columns, rows, href, selection, sorting, dimmed = false } = props;
  const growing = columns.filter(({ grow }) => grow).length;
  const navigate = useNavigate();
  const root = useHref("/").replace(/\/$/, "");
  const definitions = useMemo(() => {
    const helper = createColumnHelper<typeof features, Row>();
    return helper.columns(
      columns.map(({ id, header, cell }) =>
        helper.display({ id, header, cell: ({ row }) => cell(row.original) }),
      ),
    );
  }, [columns]);
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: (row) => row.id,
    enableRowSelection: selection !== undefined,
    state: { rowSelection: selection?.selected ?? NONE },
    onRowSelectionChange(change) {
      const before = selection?.selected ?? NONE;
      selection?.onChange(typeof change === "function" ? change(before) : change);
    },
  });

  function open(event: MouseEvent, row: Row): void {
    if (href === undefined || isControl(event.target)) return;
    if (window.getSelection()?.toString()) return;
    const path = href(row);
    if (event.metaKey || event.ctrlKey) window.open(`${root}${path}`, "_blank", "noopener");
    else void navigate(path);
  }

  return (
    <div className={classes.scroll}>
      <Table
        className={classes.table}
        aria-label={label}
        role="table"
        data-dimmed={dimmed || undefined}
      >
        <Table.Thead role="rowgroup">
          {table.getHeaderGroups().map((group) => (
            <Table.Tr key={group.id} role="row">
              {selection && (
                <Table.Th role="columnheader" className={classes.check}>
                  <Checkbox
                    size="xs"
                    aria-label="Select all on this page"
                    checked={table.getIsAllRowsSelected()}
                    indeterminate={table.getIsSomeRowsSelected() && !table.getIsAllRowsSelected()}
                    onChange={table.getToggleAllRowsSelectedHandler()}
                  />
                </Table.Th>
              )}
              {columns.map((column) => (
                <Head key={column.id} column={column} sorting={sorting} />
              ))}
            </Table.Tr>
          ))}
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {table.getRowModel().rows.map((row) => (
            <Table.Tr
              key={row.id}
              role="row"
              className={href && classes.link}
              data-selected={row.getIsSelected() || undefined}
              onClick={(event) => open(event, row.original)}
            >
              {selection && (
                <Table.Td role="cell" className={classes.check}>
                  <Checkbox
                    size="xs"
                    aria-label={`Select ${row.id}`}
                    checked={row.getIsSelected()}
                    onChange={row.getToggleSelectedHandler()}
                  />
                </Table.Td>
              )}
              {row.getAllCells().map((cell, index) => {
                const { header, align, grow } = columns[index]!;
                return (
                  <Table.Td
                    key={cell.id}
                    role="cell"
                    data-label={header}
                    data-align={align}
                    data-grow={grow && growing}
                  >
                    <table.FlexRender cell={cell} />
                  </Table.Td>
                );
              })}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function Head<Row>({ column, sorting }: { column: Column<Row>; sorting: Sorting | undefined }) {
  const { id, header, align, sortable } = column;
  if (sorting === undefined || sortable === undefined) {
    return (
      <Table.Th role="columnheader" data-align={align}>
        {header}
      </Table.Th>
    );
  }
  const { order, onChange } = sorting;
  const own = order?.column === id ? order : null;
  const next = own === null ? id : own.reversed ? null : `-${id}`;
  const descending = (sortable === "descending") !== own?.reversed;
  return (
    <Table.Th
      role="columnheader"
      data-align={align}
      aria-sort={own === null ? undefined : descending ? "descending" : "ascending"}
    >
      <UnstyledButton className={classes.sort} onClick={() => onChange(next)}>
        {header}
        {own !== null && (descending ? <IconArrowDown size={12} /> : <IconArrowUp size={12} />)}
      </UnstyledButton>
    </Table.Th>
  );
}

function isControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest("a, button, input, label, time") !== null;
}
