import { Button } from "@mantine/core";
import { IconPlugConnected, IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { useEndpoints } from "../../api/endpoints.ts";
import { Choice, FilterBar, TextFilter } from "../../components/filters.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { Page } from "../../components/page.tsx";
import { Empty } from "../../components/states.tsx";
import { useView } from "../../components/use-view.ts";
import { ENDPOINT_STATUSES } from "../../../core/endpoint.ts";
import { ENDPOINT_COLUMNS, sortRows, toOrder } from "./endpoint-columns.tsx";

const PAGE_SIZE = 100;

const SERVER_ORDERS = [
  { value: "worst", label: "Worst first" },
  { value: "name", label: "By name" },
  { value: "created", label: "Newest first" },
];

export default function EndpointList() {
  const view = useView(["status", "q", "sort", "by"]);
  const { values, set, clear, cursor } = view;
  const { status, q, sort = "worst", by } = values;
  const endpoints = useEndpoints({
    ...{ status, q, sort, figures: true },
    cursor: cursor.value,
    limit: PAGE_SIZE,
  });
  const { data } = endpoints;
  // a page alone can't be put in order by what only it has
  const whole = data !== undefined && data.next_cursor === null && cursor.value === null;
  const order = whole ? toOrder(by) : null;
  const filtered = status !== undefined || q !== undefined;
  return (
    <Page title="Endpoints" actions={<NewButton />}>
      <ListCard
        label="Endpoints"
        query={endpoints}
        rows={data && sortRows(data.data, order)}
        columns={ENDPOINT_COLUMNS}
        href={({ id }) => `/endpoints/${id}`}
        cursor={cursor}
        sorting={whole ? { order, onChange: (next) => set({ by: next }) } : undefined}
        filters={
          <FilterBar filtered={filtered} onClear={clear}>
            <TextFilter label="Name or URL" value={q} onChange={(text) => set({ q: text })} />
            <Choice
              label="Status"
              choices={ENDPOINT_STATUSES}
              value={status}
              onChange={(next) => set({ status: next })}
            />
            <Choice
              label="Order"
              choices={SERVER_ORDERS}
              value={sort}
              required
              onChange={(next) => set({ sort: next === "worst" ? null : next, by: null })}
            />
          </FilterBar>
        }
        empty={
          filtered ? (
            <Empty
              title="No endpoint matches"
              action={
                <Button variant="default" onClick={clear}>
                  Clear the filters
                </Button>
              }
            >
              A name or URL matches by any part of it.
            </Empty>
          ) : (
            <Empty
              title="No endpoints yet"
              icon={<IconPlugConnected size={28} stroke={1.4} />}
              action={<NewButton />}
            >
              An endpoint is a registered receiver: a URL with its own secret, event filter, retry
              policy and limits.
            </Empty>
          )
        }
      />
    </Page>
  );
}

function NewButton() {
  return (
    <Button component={Link} to="/endpoints/new" leftSection={<IconPlus size={14} />}>
      New endpoint
    </Button>
  );
}
