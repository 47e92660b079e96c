import { Button, Checkbox, Group, Text } from "@mantine/core";
import { IconInbox, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useDeadLetters } from "../../api/deliveries.ts";
import type { ReplayAction } from "../../../core/model.ts";
import type { Query } from "../../api/client.ts";
import type { ReplayOrder } from "../../api/replays.ts";
import type { Delivery, ReplayChoice } from "../../api/types.ts";
import type { Column } from "../../components/data-table.tsx";
import { ATTEMPT_COLUMNS } from "../../components/delivery-columns.tsx";
import { Choice, EndpointFilter, FilterBar, TextFilter } from "../../components/filters.tsx";
import { number } from "../../components/format.ts";
import { Id } from "../../components/id.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { REPLAYS } from "../../components/list-keys.ts";
import { Page } from "../../components/page.tsx";
import { ReplayDialog } from "../../components/replay-dialog.tsx";
import { Empty } from "../../components/states.tsx";
import { Pill } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";
import { TimeFilter, timeQuery } from "../../components/time-filter.tsx";
import { useView } from "../../components/use-view.ts";
import classes from "./dead-letters.module.css";
import { Causes } from "./causes.tsx";
import { Groups } from "./groups.tsx";
import { INBOX_FILTERS, type InboxView } from "./inbox-view.ts";
import { Replays } from "./replays.tsx";
import { DEAD_REASONS } from "../../../core/model.ts";

const COLUMNS: Column<Delivery>[] = [
  { id: "id", header: "Delivery", cell: ({ id }) => <Id id={id} short /> },
  {
    id: "reason",
    header: "Reason",
    cell: ({ dead_reason, discarded }) => (
      <Group gap={6} wrap="nowrap" display="inline-flex">
        <Pill tone={discarded ? "mute" : "bad"}>{dead_reason}</Pill>
        {discarded && <Pill tone="mute">discarded</Pill>}
      </Group>
    ),
  },
  ...ATTEMPT_COLUMNS,
  { id: "died", header: "Died", cell: ({ finished_at }) => <Time at={finished_at} /> },
];

export default function DeadLetters() {
  const view = useView(INBOX_FILTERS);
  const { by: _, discarded, range, since, until, ...rest } = view.values;
  const { cursor } = view;
  const filter = () => ({ ...rest, ...timeQuery({ range, since, until }) });
  const key = { ...rest, range, since, until, discarded };
  const letters = useDeadLetters(
    () => ({ ...filter(), discarded, cursor: cursor.value, limit: 50 }),
    {
      ...key,
      cursor: cursor.value,
    },
  );
  const filtered = Object.values(key).some((value) => value !== undefined);
  const choice = useChoice(JSON.stringify(key));
  const [order, setOrder] = useState<ReplayOrder | null>(null);
  const rows = letters.data?.data ?? [];

  function ask(action: ReplayAction): void {
    // its reason is one of the choices, or what somebody typed into the address
    const chosen = (
      choice.all ? replayFilter(filter()) : { ids: Object.keys(choice.selected) }
    ) as ReplayChoice;
    setOrder({ action, filter: chosen });
  }

  return (
    <Page
      title="Dead letters"
      description="Deliveries that were given up. Send them again, or discard them with a note."
    >
      {view.values.by === undefined && !discarded ? (
        <Causes view={view} onReplay={(chosen) => setOrder({ action: "replay", filter: chosen })} />
      ) : (
        <Groups view={view} filter={filter} filterKey={key} />
      )}
      <ListCard
        label="Dead letters"
        query={letters}
        columns={COLUMNS}
        href={({ id }) => `/deliveries/${id}`}
        cursor={cursor}
        selection={
          discarded
            ? undefined
            : { selected: choice.all ? allOf(rows) : choice.selected, onChange: choice.select }
        }
        filters={
          <>
            <Filters view={view} filtered={filtered} />
            <Actions
              choice={choice}
              any={rows.length > 0 && !discarded}
              filtered={filtered}
              onAsk={ask}
            />
          </>
        }
        empty={<NoLetters filtered={filtered} onClear={view.clear} />}
      />
      <Replays />
      <ReplayDialog order={order} onClose={() => setOrder(null)} onDone={choice.clear} />
    </Page>
  );
}

/** The filter of the list as a replay takes it. */
function replayFilter({ status_code, error_code, ...rest }: Query): Query {
  return {
    ...rest,
    ...(status_code === undefined ? {} : { status_code: [Number(status_code)] }),
    ...(error_code === undefined ? {} : { error_code: [error_code] }),
  } as Query;
}

interface Choice {
  /** Everything that matches the filter, on this page or not. */
  all: boolean;
  selected: Record<string, true>;
  select: (selected: Record<string, true>) => void;
  selectAll: () => void;
  clear: () => void;
}

interface ChoiceState extends Pick<Choice, "all" | "selected"> {
  filterKey: string;
}

const NOTHING: Choice["selected"] = {};

/** The selection; another filter selects nothing. */
function useChoice(filterKey: string): Choice {
  const [state, setState] = useState<ChoiceState>({ filterKey, all: false, selected: {} });
  const { all, selected } =
    state.filterKey === filterKey ? state : { all: false, selected: NOTHING };
  return {
    all,
    selected,
    select: (next) => setState({ filterKey, all: false, selected: next }),
    selectAll: () => setState({ filterKey, all: true, selected: {} }),
    clear: () => setState({ filterKey, all: false, selected: {} }),
  };
}

function allOf(rows: Delivery[]): Record<string, true> {
  return Object.fromEntries(rows.map(({ id }) => [id, true] as const));
}

interface ActionsProps {
  choice: Choice;
  any: boolean;
  filtered: boolean;
  onAsk: (action: ReplayAction) => void;
}

function Actions({ choice, any, filtered, onAsk }: ActionsProps) {
  const selected = Object.keys(choice.selected).length;
  if (!any) return null;
  const nothing = !choice.all && selected === 0;
  const everything = filtered ? "all that match the filter" : "all dead letters";
  return (
    <Group className={classes.actions} gap="xs" role="toolbar" aria-label="Selected dead letters">
      <Text size="sm" role="status">
        {choice.all ? `Selected: ${everything}` : `${number(selected)} selected`}
      </Text>
      {choice.all || selected > 0 ? (
        <Button variant="subtle" color="gray" onClick={choice.clear}>
          Select none
        </Button>
      ) : null}
      {!choice.all && (
        <Button variant="subtle" onClick={choice.selectAll}>
          Select {everything}
        </Button>
      )}
      <Group gap="xs" ml="auto">
        <Button
          {...REPLAYS}
          disabled={nothing}
          leftSection={<IconRefresh size={14} />}
          onClick={() => onAsk("replay")}
        >
          Replay…
        </Button>
        <Button
          variant="default"
          disabled={nothing}
          leftSection={<IconTrash size={14} />}
          onClick={() => onAsk("discard")}
        >
          Discard…
        </Button>
      </Group>
    </Group>
  );
}

function Filters({ view, filtered }: { view: InboxView; filtered: boolean }) {
  const { values, set, clear } = view;
  return (
    <FilterBar filtered={filtered} onClear={clear}>
      <Choice
        label="Reason"
        choices={DEAD_REASONS}
        value={values.reason}
        onChange={(reason) => set({ reason })}
      />
      <EndpointFilter value={values.endpoint_id} onChange={(id) => set({ endpoint_id: id })} />
      <TextFilter
        label="Event type"
        value={values.event_type}
        onChange={(event_type) => set({ event_type })}
      />
      <TimeFilter value={values} onChange={set} />
      <Checkbox
        size="xs"
        label="Discarded ones"
        style={{ alignSelf: "center" }}
        checked={values.discarded === "true"}
        onChange={({ currentTarget }) => set({ discarded: currentTarget.checked ? "true" : null })}
      />
      {values.status_code && (
        <TextFilter
          label="Status code"
          value={values.status_code}
          onChange={(status_code) => set({ status_code })}
        />
      )}
      {values.error_code && (
        <TextFilter
          label="Error code"
          value={values.error_code}
          onChange={(error_code) => set({ error_code })}
        />
      )}
      {values.job_id && (
        <TextFilter label="Job" value={values.job_id} onChange={(job_id) => set({ job_id })} />
      )}
    </FilterBar>
  );
}

function NoLetters({ filtered, onClear }: { filtered: boolean; onClear: () => void }) {
  if (!filtered) {
    return (
      <Empty title="The inbox is empty" icon={<IconInbox size={28} stroke={1.4} />}>
        Every delivery has arrived or is still being tried. What is given up comes here.
      </Empty>
    );
  }
  const clear = (
    <Button variant="default" onClick={onClear}>
      Clear the filters
    </Button>
  );
  return (
    <Empty title="No dead letter matches" action={clear}>
      They may have been sent again or discarded in the meantime.
    </Empty>
  );
}
