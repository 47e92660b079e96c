import type { ReactNode } from "react";
import type { ListedEndpoint } from "../../api/types.ts";
import type { Column, Order } from "../../components/data-table.tsx";
import { count, duration, number, percent } from "../../components/format.ts";
import { None } from "../../components/none.tsx";
import { Receiver } from "../../components/receiver.tsx";
import { Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";

type Figures = NonNullable<ListedEndpoint["figures"]>;

/** A column of figures, by which rows can be put in order. */
function figure(
  id: string,
  header: string,
  sortable: "ascending" | "descending",
  show: (figures: Figures) => ReactNode,
): Column<ListedEndpoint> {
  return {
    id,
    header,
    align: "right",
    sortable,
    cell: ({ figures }) => (figures === undefined ? <None /> : show(figures)),
  };
}

export const ENDPOINT_COLUMNS: Column<ListedEndpoint>[] = [
  {
    id: "name",
    header: "Endpoint",
    grow: true,
    sortable: "ascending",
    cell: ({ id, url, description }) => (
      <Receiver endpointId={id} description={description} url={url} />
    ),
  },
  {
    id: "status",
    header: "Status",
    sortable: "ascending",
    cell: ({ status }) => <Status value={status} />,
  },
  figure("pending", "Pending", "descending", ({ pending }) => figureOf(pending)),
  figure("dead", "Dead", "descending", ({ dead_letters }) =>
    figureOf(dead_letters, "rb-bad rb-tone"),
  ),
  {
    id: "last",
    header: "Last success",
    align: "right",
    sortable: "ascending",
    cell: ({ health }) => <Time at={health.last_success_at} />,
  },
  figure("success", "Success, 24 h", "ascending", (figures) => <Success figures={figures} />),
  figure("p90", "p90", "descending", ({ response_p90_ms }) =>
    response_p90_ms === null ? <None /> : duration(response_p90_ms),
  ),
];

function figureOf(counted: Figures["pending"], tone?: string): ReactNode {
  return counted.count === 0 ? <None /> : <span className={tone}>{count(counted)}</span>;
}

function Success({ figures: { success_rate, delivered, dead } }: { figures: Figures }) {
  if (success_rate === null) return <None />;
  const tone = success_rate >= 0.99 ? "ok" : success_rate >= 0.9 ? "warn" : "bad";
  return (
    <span>
      <span className={`rb-${tone} rb-tone`}>{percent(success_rate)}</span> of{" "}
      {number(delivered + dead)}
    </span>
  );
}

const STATUSES = ["failing", "disabled", "paused", "healthy"];

/** What each column is put in order by, the worst first; null goes last either way. */
const VALUES: Record<string, (row: ListedEndpoint) => number | string | null> = {
  name: ({ description, url }) => (description || url).toLowerCase(),
  status: ({ status }) => STATUSES.indexOf(status),
  pending: ({ figures }) => -(figures?.pending.count ?? 0),
  dead: ({ figures }) => -(figures?.dead_letters.count ?? 0),
  last: ({ health }) => health.last_success_at ?? "",
  success: ({ figures }) => figures?.success_rate ?? null,
  p90: ({ figures }) => -(figures?.response_p90_ms ?? NaN) || null,
};

/** The order that a text in the page's address names: a column, with a minus when it is reversed. */
export function toOrder(text: string | undefined): Order | null {
  const column = text?.replace(/^-/, "");
  if (column === undefined || !(column in VALUES)) return null;
  return { column, reversed: text!.startsWith("-") };
}

export function sortRows(rows: ListedEndpoint[], order: Order | null): ListedEndpoint[] {
  if (order === null) return rows;
  const value = VALUES[order.column]!;
  const sign = order.reversed ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === b) return 0;
    if (a === null || b === null) return a === null ? 1 : -1;
    return a < b ? -sign : sign;
  });
}
