import { UnstyledButton } from "@mantine/core";
import type { Query } from "../../api/client.ts";
import { useDeadLetterGroups } from "../../api/deliveries.ts";
import type { DeadLetterGroup } from "../../api/types.ts";
import { count } from "../../components/format.ts";
import { ErrorBox } from "../../components/states.tsx";
import { Time } from "../../components/time.tsx";
import { GroupChoice } from "./group-choice.tsx";
import type { InboxView } from "./inbox-view.ts";
import classes from "./dead-letters.module.css";

interface GroupsProps {
  view: InboxView;
  filter: () => Query;
  filterKey: Query;
}

/** The inbox in heaps: by reason or by endpoint, with their age. A heap is a filter. */
export function Groups({ view, filter, filterKey }: GroupsProps) {
  const { values, set } = view;
  const by = values.by === "endpoint" ? "endpoint" : "reason";
  const field = by === "reason" ? "reason" : "endpoint_id";
  // a chosen heap must not hide the others
  const others = () => ({ ...filter(), [field]: undefined });
  const groups = useDeadLetterGroups(by, others, { ...filterKey, [field]: undefined });
  if (groups.isError) return <ErrorBox error={groups.error} retry={() => void groups.refetch()} />;
  if (groups.data?.length === 0) return null;
  const shown = groups.data ?? [];

  function nameOf({ reason, endpoint_name: name, endpoint_deleted }: DeadLetterGroup): string {
    if (by === "reason") return reason ?? "unknown";
    if (name === null) return "Callback URLs";
    return endpoint_deleted ? `${name} (deleted)` : name;
  }

  return (
    <section aria-label="Groups">
      <GroupChoice view={view} count={groups.data?.length ?? null} />
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
