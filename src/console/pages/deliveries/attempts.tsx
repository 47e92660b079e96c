import { Button, Chip, Group, Text } from "@mantine/core";
import { useState } from "react";
import { useOlderAttempts } from "../../api/deliveries.ts";
import type { Attempt, DeliveryWithAttempts } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { duration, number as grouped, prettyBody } from "../../components/format.ts";
import { TextView } from "../../components/json-view.tsx";
import { ErrorBox } from "../../components/states.tsx";
import { Outcome, Pill } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";
import { useView } from "../../components/use-view.ts";
import classes from "./attempts.module.css";

const SHOWN_AT_FIRST = 2;

/** The attempts that were chosen (at first the last two), side by side. */
export function Attempts({ delivery }: { delivery: DeliveryWithAttempts }) {
  const { values, set } = useView(["attempts"]);
  const [asked, ask] = useState(false);
  const older = useOlderAttempts(delivery, asked);
  const loaded = [...delivery.attempts, ...(older.data?.pages.flatMap(({ data }) => data) ?? [])];
  // one may be on two pages when an attempt came between
  const all = [...new Map(loaded.map((one) => [one.number, one])).values()].toSorted(
    (a, b) => a.number - b.number,
  );
  const more = delivery.attempts_cursor !== null && (!older.data || older.hasNextPage);
  const chosen = values.attempts?.split(",") ?? [];
  const known = all.filter(({ number }) => chosen.includes(String(number)));
  const shown = known.length > 0 ? known : all.slice(-SHOWN_AT_FIRST);
  if (all.length === 0) {
    return (
      <Card title="Attempts">
        <Text size="sm" c="dimmed">
          No attempt was made yet.
        </Text>
      </Card>
    );
  }
  return (
    <Card title={`Attempts (${grouped(delivery.attempt_count)})`}>
      {more && (
        <Button
          variant="default"
          mb="sm"
          loading={older.isFetching}
          onClick={() => (older.data ? void older.fetchNextPage() : ask(true))}
        >
          Older attempts
        </Button>
      )}
      {older.error !== null && <ErrorBox error={older.error} retry={() => void older.refetch()} />}
      {all.length > 1 && (
        <Chip.Group
          multiple
          value={shown.map(({ number }) => String(number))}
          onChange={(numbers) => set({ attempts: numbers.join(",") })}
        >
          <Group gap={6} mb="md" role="group" aria-label="Attempts shown">
            {all.map((attempt) => (
              <Chip key={attempt.id} size="xs" variant="outline" value={String(attempt.number)}>
                {attempt.number}: {attempt.error_code ?? attempt.status_code}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
      )}
      <div className={classes.columns}>
        {shown.map((attempt) => (
          <Column key={attempt.id} attempt={attempt} />
        ))}
      </div>
    </Card>
  );
}

function Column({ attempt }: { attempt: Attempt }) {
  const { number, response_body, response_headers, response_truncated } = attempt;
  const body = response_body ?? "";
  return (
    <article className={classes.column} aria-label={`Attempt ${number}`}>
      <Group gap="xs">
        <Text fw={600} size="sm">
          Attempt {number}
        </Text>
        <Outcome code={attempt.status_code} error={attempt.error_code} />
        {attempt.manual && <Pill tone="info">manual</Pill>}
      </Group>
      <dl className={classes.facts}>
        <dt>Started</dt>
        <dd>
          <Time at={attempt.started_at} />
        </dd>
        <dt>Took</dt>
        <dd>{duration(attempt.duration_ms)}</dd>
        <dt>Address dialled</dt>
        <dd className="rb-mono">{attempt.remote_address ?? "none"}</dd>
        {attempt.error_code !== null && (
          <>
            <dt>Error</dt>
            <dd>
              <span className="rb-mono">{attempt.error_code}</span> {attempt.error_message}
            </dd>
          </>
        )}
      </dl>
      <TextView
        label="Request headers"
        text={headerText(attempt.request_headers)}
        maxHeight={320}
      />
      {response_headers === null ? (
        <Text size="sm" c="dimmed">
          No response came.
        </Text>
      ) : (
        <>
          <TextView label="Response headers" text={headerText(response_headers)} maxHeight={320} />
          <TextView
            label={response_truncated ? "Response body (first 16 KiB)" : "Response body"}
            text={body === "" ? "(empty)" : prettyBody(body)}
          />
        </>
      )}
    </article>
  );
}

function headerText(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}
