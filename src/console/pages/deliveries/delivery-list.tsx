import { Button } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { Link } from "react-router";
import { useDeliveries, useEventTypes } from "../../api/deliveries.ts";
import { DELIVERY_COLUMNS } from "../../components/delivery-columns.tsx";
import { Choice, FilterBar, TextFilter, useEndpointChoices } from "../../components/filters.tsx";
import { ListFilter } from "../../components/list-filter.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { Page } from "../../components/page.tsx";
import { Empty } from "../../components/states.tsx";
import { TimeFilter, timeQuery } from "../../components/time-filter.tsx";
import { useView, type View } from "../../components/use-view.ts";
import { EXCHANGE_ERROR_CODES } from "../../../core/exchange.ts";
import { DELIVERY_STATUSES, STATUS_CLASSES } from "../../../core/model.ts";

const NAMES = [
  "status",
  "not_status",
  "endpoint_id",
  "event_type",
  "not_event_type",
  "status_class",
  "error_code",
  "min_attempts",
  "job_id",
  "message_id",
  "range",
  "since",
  "until",
] as const;

const ANSWERS = STATUS_CLASSES.map((value) => ({
  value,
  label: value === "error" ? "no answer" : value,
}));
const ATTEMPTS = ["2", "3", "5", "10"].map((value) => ({ value, label: `${value} or more` }));

export default function DeliveryList() {
  const view = useView(NAMES);
  const { values, cursor } = view;
  const { range, since, until, ...rest } = values;
  const deliveries = useDeliveries(
    () => ({ ...rest, ...timeQuery({ range, since, until }), cursor: cursor.value, limit: 50 }),
    { ...values, cursor: cursor.value },
  );
  return (
    <Page title="Deliveries">
      <ListCard
        label="Deliveries"
        query={deliveries}
        columns={DELIVERY_COLUMNS}
        href={({ id }) => `/deliveries/${id}`}
        cursor={cursor}
        filters={<Filters view={view} />}
        empty={<NoDeliveries filtered={view.filtered} onClear={view.clear} />}
      />
    </Page>
  );
}

function Filters({
  view: { values, set, clear, filtered },
}: {
  view: View<(typeof NAMES)[number]>;
}) {
  const types = useEventTypes();
  return (
    <FilterBar filtered={filtered} onClear={clear}>
      <ListFilter
        label="Status"
        choices={[...DELIVERY_STATUSES, "held"]}
        alone="held"
        value={values.status}
        not={values.not_status}
        withNot
        onChange={(status, not_status) => set({ status, not_status })}
      />
      <ListFilter
        label="Endpoint"
        choices={useEndpointChoices()}
        value={values.endpoint_id}
        onChange={(endpoint_id) => set({ endpoint_id })}
      />
      <ListFilter
        label="Event type"
        choices={types.data ?? []}
        value={values.event_type}
        not={values.not_event_type}
        withNot
        free
        onChange={(event_type, not_event_type) => set({ event_type, not_event_type })}
      />
      <ListFilter
        label="Last answer"
        choices={ANSWERS}
        value={values.status_class}
        onChange={(status_class) => set({ status_class })}
      />
      <ListFilter
        label="Error"
        choices={EXCHANGE_ERROR_CODES}
        value={values.error_code}
        onChange={(error_code) => set({ error_code })}
      />
      <Choice
        label="Attempts"
        width={125}
        choices={ATTEMPTS}
        value={values.min_attempts}
        onChange={(min_attempts) => set({ min_attempts })}
      />
      <TimeFilter value={values} onChange={set} />
      {values.job_id && (
        <TextFilter label="Job" value={values.job_id} onChange={(job_id) => set({ job_id })} />
      )}
      {values.message_id && (
        <TextFilter
          label="Message"
          value={values.message_id}
          onChange={(message_id) => set({ message_id })}
        />
      )}
    </FilterBar>
  );
}

function NoDeliveries({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (filtered) {
    const clear = (
      <Button variant="default" onClick={onClear}>
        Clear the filters
      </Button>
    );
    return (
      <Empty title="No delivery matches" action={clear}>
        Older deliveries may have been removed by retention.
      </Empty>
    );
  }
  const register = (
    <Button component={Link} to="/endpoints/new">
      Register an endpoint
    </Button>
  );
  return (
    <Empty title="No deliveries yet" icon={<IconSend size={28} stroke={1.4} />} action={register}>
      A delivery is made when a job with a callback ends, or when a message is published that an
      endpoint subscribes to.
    </Empty>
  );
}
