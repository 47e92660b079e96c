import type { ReactNode } from "react";
import type { ListedEndpoint } from "../../api/types.ts";
import type { Column, Order } from "../../components/data-table.tsx";
import { count, duration, number, percent } from "../../components/format.ts";
import { None } from "../../components/none.tsx";
import { Receiver } from "../../components/receiver.tsx";
import { Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";

type Health = NonNullable<ListedEndpoint["health"]>;

/** A column of figures, by which rows can be put in order. */
function figure(
  id: string,
  header: string,
  sortable: "ascending" | "descending",
  show: (health: Health) => ReactNode,
): Column<ListedEndpoint> {
  return {
    id,
    header,
    align: "right",
    sortable,
    cell: ({ health }) => (health === undefined ? <None /> : show(health)),
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
    id: "state",
    header: "State",
    sortable: "ascending",
    cell: ({ lane }) => <Status value={lane.state} />,
  },
  figure("pending", "Pending", "descending", ({ pending }) => figureOf(pending)),
  figure("dead", "Dead", "descending", ({ dead_letters }) =>
    figureOf(dead_letters, "rb-bad rb-tone"),
  ),
  figure("last", "Last success", "ascending", ({ last_success_at }) => (
    <Time at={last_success_at} />
  )),
  figure("success", "Success, 24 h", "ascending", (health) => <Success health={health} />),
  figure("p90", "p90", "descending", ({ response_p90_ms }) =>
    response_p90_ms === null ? <None /> : duration(response_p90_ms),
  ),
];

function figureOf(counted: Health["pending"], tone?: string): ReactNode {
  return counted.count === 0 ? <None /> : <span className={tone}>{count(counted)}</span>;
}

function Success({ health: { success_rate, delivered, dead } }: { health: Health }) {
  if (success_rate === null) return <None />;
  const tone = success_rate >= 0.99 ? "ok" : success_rate >= 0.9 ? "warn" : "bad";
  return (
    <span>
      <span className={`rb-${tone} rb-tone`}>{percent(success_rate)}</span> of{" "}
      {number(delivered + dead)}
    </span>
  );
}

const STATES = ["open", "half_open", "disabled", "paused", "closed"];

/** What each column is put in order by, the worst first; null goes last either way. */
const VALUES: Record<string, (row: ListedEndpoint) => number | string | null> = {
  name: ({ description, url }) => (description || url).toLowerCase(),
  state: ({ lane }) => STATES.indexOf(lane.state),
  pending: ({ health }) => -(health?.pending.count ?? 0),
  dead: ({ health }) => -(health?.dead_letters.count ?? 0),
  last: ({ health }) => health?.last_success_at ?? "",
  success: ({ health }) => health?.success_rate ?? null,
  p90: ({ health }) => -(health?.response_p90_ms ?? NaN) || null,
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
