import { Button } from "@mantine/core";
import { IconBolt } from "@tabler/icons-react";
import { Link } from "react-router";
import { useMessages } from "../../api/messages.ts";
import { EndpointFilter, FilterBar, TextFilter } from "../../components/filters.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { MESSAGE_COLUMNS } from "../../components/message-columns.tsx";
import { Page } from "../../components/page.tsx";
import { Empty } from "../../components/states.tsx";
import { TimeFilter, timeQuery, type TimeRange } from "../../components/time-filter.tsx";
import { useView, type View } from "../../components/use-view.ts";
import { BodySearch } from "./body-search.tsx";

const NAMES = ["type", "endpoint_id", "job_id", "text", "range", "since", "until"] as const;
type EventView = View<(typeof NAMES)[number]>;

export default function EventList() {
  const view = useView(NAMES);
  const { text, range: _, since: __, until: ___, ...rest } = view.values;
  const key = JSON.stringify(view.values);
  return (
    <Page title="Events" description="What was published, and what jobs told somebody">
      {text === undefined ? (
        <Events view={view} />
      ) : (
        <BodySearch
          key={key}
          filters={<Filters view={view} />}
          text={text}
          filter={{ ...rest, ...timeQuery(rangeOf(view.values)) }}
        />
      )}
    </Page>
  );
}

/** A search in bodies is of the last day unless another range is chosen. */
function rangeOf({ text, range, since, until }: EventView["values"]): TimeRange {
  const isOpen = range === undefined && since === undefined && until === undefined;
  return { range: text !== undefined && isOpen ? "24h" : range, since, until };
}

function Events({ view }: { view: EventView }) {
  const { values, cursor } = view;
  const { range, since, until, ...rest } = values;
  const messages = useMessages(
    () => ({ ...rest, ...timeQuery({ range, since, until }), cursor: cursor.value, limit: 50 }),
    { ...values, cursor: cursor.value },
  );
  return (
    <ListCard
      label="Events"
      query={messages}
      columns={MESSAGE_COLUMNS}
      href={({ id }) => `/events/${id}`}
      cursor={cursor}
      filters={<Filters view={view} />}
      empty={<NoEvents filtered={view.filtered} onClear={view.clear} />}
    />
  );
}

function Filters({ view: { values, set, clear, filtered } }: { view: EventView }) {
  return (
    <FilterBar filtered={filtered} onClear={clear}>
      <TextFilter
        label="Types: a,b or !a,b"
        value={values.type}
        onChange={(type) => set({ type })}
      />
      <EndpointFilter value={values.endpoint_id} onChange={(endpoint_id) => set({ endpoint_id })} />
      <TextFilter
        label="Text in the body"
        value={values.text}
        onChange={(text) => set({ text: text !== null && text.length >= 3 ? text : null })}
      />
      <TimeFilter value={rangeOf(values)} onChange={set} />
      {values.job_id && (
        <TextFilter label="Job" value={values.job_id} onChange={(job_id) => set({ job_id })} />
      )}
    </FilterBar>
  );
}

function NoEvents({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (filtered) {
    const clear = (
      <Button variant="default" onClick={onClear}>
        Clear the filters
      </Button>
    );
    return (
      <Empty title="No event matches" action={clear}>
        An event of a job that nobody wanted leaves none; the page of the job names such events.
        Older ones may have been removed by retention.
      </Empty>
    );
  }
  const register = (
    <Button component={Link} to="/endpoints/new">
      Register an endpoint
    </Button>
  );
  return (
    <Empty title="No events yet" icon={<IconBolt size={28} stroke={1.4} />} action={register}>
      An event is a message that you publish with <code>POST /v1/messages</code>, or one of a job
      that a callback or an endpoint wants.
    </Empty>
  );
}
