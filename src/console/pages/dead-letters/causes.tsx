import { Button, Group, Text, UnstyledButton } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useDeadLetterCauses } from "../../api/deliveries.ts";
import { useEndpoints } from "../../api/endpoints.ts";
import type { DeadLetterGroup, ReplayChoice } from "../../api/types.ts";
import { count } from "../../components/format.ts";
import { ErrorBox } from "../../components/states.tsx";
import { Time } from "../../components/time.tsx";
import { GroupChoice } from "./group-choice.tsx";
import type { InboxView } from "./inbox-view.ts";
import classes from "./dead-letters.module.css";

interface CausesProps {
  view: InboxView;
  onReplay: (filter: ReplayChoice) => void;
}

/** The inbox by what happened: which endpoint, since when, what it answered, when it last worked. */
export function Causes({ view, onReplay }: CausesProps) {
  const causes = useDeadLetterCauses();
  const endpoints = useEndpoints({ limit: 200 });
  if (causes.isError) return <ErrorBox error={causes.error} retry={() => void causes.refetch()} />;
  if (!causes.data || causes.data.length === 0) return null;

  function nameOf(id: string | null): string {
    if (id === null) return "Callback URLs";
    const endpoint = endpoints.data?.data.find((one) => one.id === id);
    return endpoint === undefined ? id : endpoint.description || endpoint.url;
  }

  return (
    <section aria-label="Groups">
      <GroupChoice view={view} count={causes.data.length} />
      <div className={classes.groups}>
        {causes.data.map((cause) => (
          <Cause
            key={keyOf(cause)}
            cause={cause}
            name={nameOf(cause.endpoint_id)}
            view={view}
            onReplay={onReplay}
          />
        ))}
      </div>
    </section>
  );
}

function keyOf({ endpoint_id, reason, status_code, error_code }: DeadLetterGroup): string {
  return `${endpoint_id} ${reason} ${status_code} ${error_code}`;
}

/** The filters of the list that show exactly this group; of callback URLs, those of the cause. */
function filterOf({ endpoint_id, reason, status_code, error_code }: DeadLetterGroup) {
  return {
    endpoint_id,
    reason,
    status_code: status_code === null ? null : String(status_code),
    error_code,
  };
}

function choiceOf(cause: DeadLetterGroup): ReplayChoice {
  const { endpoint_id, reason, status_code, error_code } = cause;
  return {
    endpoint_id,
    ...(reason === null ? {} : { reason }),
    ...(status_code === null ? {} : { status_code: [status_code] }),
    ...(error_code === null ? {} : { error_code: [error_code] }),
  };
}

interface CauseProps extends CausesProps {
  cause: DeadLetterGroup;
  name: string;
}

function Cause({ cause, name, view: { values, set }, onReplay }: CauseProps) {
  const { reason, status_code, error_code, sample, oldest_at, last_success_at } = cause;
  const filter = filterOf(cause);
  const names = Object.keys(filter) as (keyof typeof filter)[];
  const pressed = names.every((one) => (values[one] ?? null) === filter[one]);
  const what = error_code ?? status_code ?? reason;
  const none = { endpoint_id: null, reason: null, status_code: null, error_code: null };
  return (
    <div className={`rb-card ${classes.cause}`} data-pressed={pressed || undefined}>
      <UnstyledButton
        className={classes.choose}
        aria-pressed={pressed}
        onClick={() => set(pressed ? none : filter)}
      >
        <span className={`${classes.name} rb-truncate`}>
          {count(cause)} × {what}
        </span>
        <span className={`${classes.where} rb-truncate`} title={name}>
          {name}
        </span>
        {sample !== null && (
          <span className={`${classes.sample} rb-mono rb-truncate`} title={sample}>
            {sample}
          </span>
        )}
        <span className={classes.age}>
          since <Time at={oldest_at} />
          {last_success_at !== null && (
            <>
              {" "}
              · last success <Time at={last_success_at} />
            </>
          )}
        </span>
      </UnstyledButton>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="xs" c="dimmed" miw={0} className="rb-truncate">
          {reason === what ? "" : reason}
        </Text>
        <Button
          flex="none"
          size="compact-xs"
          variant="default"
          leftSection={<IconRefresh size={12} />}
          aria-label={`Replay these: ${count(cause)} × ${what}, ${name}`}
          onClick={() => onReplay(choiceOf(cause))}
        >
          Replay these…
        </Button>
      </Group>
    </div>
  );
}
