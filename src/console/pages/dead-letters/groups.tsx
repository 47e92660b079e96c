import { Group, SegmentedControl, Text, UnstyledButton } from "@mantine/core";
import type { Query } from "../../api/client.ts";
import { useDeadLetterGroups } from "../../api/deliveries.ts";
import type { DeadLetterGroup } from "../../api/types.ts";
import { count } from "../../components/format.ts";
import { ErrorBox } from "../../components/states.tsx";
import { Time } from "../../components/time.tsx";
import type { InboxView } from "./inbox-view.ts";
import classes from "./dead-letters.module.css";

interface GroupsProps {
  view: InboxView;
  filter: () => Query;
  filterKey: Query;
}

/** The inbox in heaps: by reason or by endpoint, with their age. A heap is a filter. */
export function Groups({ view: { values, set }, filter, filterKey }: GroupsProps) {
  const by = values.by === "endpoint" ? "endpoint" : "reason";
  const field = by === "reason" ? "reason" : "endpoint_id";
  // a chosen heap must not hide the others
  const others = () => ({ ...filter(), [field]: undefined });
  const groups = useDeadLetterGroups(by, others, { ...filterKey, [field]: undefined });
  if (groups.isError) return <ErrorBox error={groups.error} retry={() => void groups.refetch()} />;
  if (groups.data?.length === 0) return null;
  const shown = groups.data ?? [];

  return (
    <section aria-label="Groups">
      <Group justify="space-between" mb="xs">
        <Text size="sm" c="dimmed">
          {groups.data && (shown.length === 1 ? "1 group" : `${shown.length} groups`)}
        </Text>
        <SegmentedControl
          size="xs"
          aria-label="Group by"
          value={by}
          onChange={(next) => set({ by: next === "reason" ? null : next })}
          data={[
            { value: "reason", label: "By reason" },
            { value: "endpoint", label: "By endpoint" },
          ]}
        />
      </Group>
      <div className={classes.groups}>
        {shown.map((group) => {
          const value = group[field];
          const pressed = value !== null && values[field] === value;
          return (
            <UnstyledButton
              key={group.reason ?? group.endpoint_id ?? "callback URLs"}
              className={`rb-card ${classes.group}`}
              aria-pressed={pressed}
              disabled={value === null}
              onClick={() => set({ [field]: pressed ? null : value })}
            >
              <span className={`${classes.name} rb-truncate`}>{nameOf(group)}</span>
              <span className={classes.count}>{count(group)}</span>
              <span className={classes.age}>
                oldest <Time at={group.oldest_at} />, newest <Time at={group.newest_at} />
              </span>
            </UnstyledButton>
          );
        })}
      </div>
    </section>
  );
}

function nameOf({ reason, endpoint_id, ...endpoint }: DeadLetterGroup): string {
  if (reason !== null) return reason;
  if (endpoint_id === null) return "Callback URLs";
  return endpoint.endpoint_description || endpoint.endpoint_url || endpoint_id;
}
