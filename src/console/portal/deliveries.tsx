import { Button } from "@mantine/core";
import { DELIVERY_STATUSES, STATUS_CLASSES } from "../../core/model.ts";
import { useDeliveries } from "../api/deliveries.ts";
import { DELIVERY_COLUMNS } from "../components/delivery-columns.tsx";
import { Choice, FilterBar, TextFilter } from "../components/filters.tsx";
import { ListCard } from "../components/list-card.tsx";
import { Empty } from "../components/states.tsx";
import { TimeFilter, timeQuery } from "../components/time-filter.tsx";
import { useView } from "../components/use-view.ts";

const NAMES = ["status", "event_type", "status_class", "range", "since", "until"] as const;
const COLUMNS = DELIVERY_COLUMNS.filter(({ id }) => id !== "url");
const ANSWERS = STATUS_CLASSES.map((value) => ({
  value,
  label: value === "error" ? "no answer" : value,
}));

export function Deliveries({ endpointId }: { endpointId: string }) {
  const { values, set, clear, filtered, cursor } = useView(NAMES);
  const { range, since, until, ...rest } = values;
  const query = { ...rest, endpoint_id: endpointId, cursor: cursor.value, limit: 25 };
  const deliveries = useDeliveries(() => ({ ...query, ...timeQuery({ range, since, until }) }), {
    ...query,
    range,
    since,
    until,
  });
  return (
    <ListCard
      label="Deliveries"
      query={deliveries}
      columns={COLUMNS}
      href={({ id }) => `/deliveries/${id}`}
      cursor={cursor}
      filters={
        <FilterBar filtered={filtered} onClear={clear}>
          <Choice
            label="Status"
            width={120}
            choices={DELIVERY_STATUSES}
            value={values.status}
            onChange={(status) => set({ status })}
          />
          <TextFilter
            label="Event type"
            value={values.event_type}
            onChange={(event_type) => set({ event_type })}
          />
          <Choice
            label="Last answer"
            width={130}
            choices={ANSWERS}
            value={values.status_class}
            onChange={(status_class) => set({ status_class })}
          />
          <TimeFilter value={values} onChange={set} />
        </FilterBar>
      }
      empty={
        filtered ? (
          <Empty
            title="No delivery matches"
            action={
              <Button variant="default" onClick={clear}>
                Clear the filters
              </Button>
            }
          >
            Older deliveries may have been removed.
          </Empty>
        ) : (
          <Empty title="Nothing was sent here yet">Deliveries are shown here as they come.</Empty>
        )
      }
    />
  );
}
