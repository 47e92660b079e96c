import { Alert, Anchor, Text, Tooltip } from "@mantine/core";
import { Link } from "react-router";
import { HELD_WORDS } from "../../core/held.ts";
import type { Delivery } from "../api/types.ts";
import { useNow } from "./clock.ts";
import { count, relative } from "./format.ts";
import { Status } from "./status.tsx";
import { Due, Time } from "./time.tsx";

type Held = NonNullable<Delivery["held"]>;

/** The status of a delivery: `held` in place of `pending` when something holds it back. */
export function DeliveryStatus({ delivery: { status, held } }: { delivery: Delivery }) {
  if (held === null) return <Status value={status} />;
  const { reason, detail } = held;
  const says = detail.includes(HELD_WORDS[reason]) ? detail : `${HELD_WORDS[reason]}: ${detail}`;
  return (
    <Tooltip label={says}>
      <span>
        <Status value="held" />
      </span>
    </Tooltip>
  );
}

/** When it is sent next, or what it waits for. */
export function NextAttempt({ delivery: { next_attempt_at, held } }: { delivery: Delivery }) {
  if (held === null) return <Due at={next_attempt_at} />;
  return <span title={held.detail}>{HELD_WORDS[held.reason]}</span>;
}

/** Why a delivery waits, and where to do something about it. */
export function HeldNotice({ delivery }: { delivery: Delivery }) {
  const now = useNow();
  const { held, endpoint_id } = delivery;
  if (held === null) return null;
  const { reason, since, until, detail, waiting } = held;
  const left = until === null ? null : relative(until, now);
  return (
    <Alert color="yellow" variant="outline" title={`Held back: ${HELD_WORDS[reason]}`}>
      <Text size="sm" component="div">
        {reason === "order" ? <Before detail={detail} /> : `${sentence(detail)} `}
        {since !== null && (
          <>
            Since <Time at={since} clock /> (<Time at={since} />
            ).{" "}
          </>
        )}
        {left !== null && `${UNTIL[reason] ?? "Until"} ${left}. `}
        {waiting !== undefined && waitingText(waiting)} {adviceOf(held)}
        {endpoint_id !== null && (
          <Anchor component={Link} to={`/endpoints/${endpoint_id}`} size="sm">
            Look at the endpoint
          </Anchor>
        )}
      </Text>
    </Alert>
  );
}

function waitingText(waiting: NonNullable<Held["waiting"]>): string {
  return waiting.count === 1 && !waiting.more ? "It waits alone." : `${count(waiting)} wait.`;
}

/** A link to the delivery that is first in the order. */
function Before({ detail }: { detail: string }) {
  const [id, ...rest] = detail.split(" ");
  return (
    <>
      <Anchor component={Link} to={`/deliveries/${id}`} className="rb-mono" size="sm">
        {id}
      </Anchor>{" "}
      {rest.join(" ")}.{" "}
    </>
  );
}

const UNTIL: Partial<Record<Held["reason"], string>> = {
  breaker_open: "Next probe",
  order: "Its next attempt is",
};

const ADVICE: Partial<Record<Held["reason"], string>> = {
  paused: "Resume the endpoint to send what waits. ",
  disabled: "It becomes a dead letter when it is due, unless the endpoint is enabled before. ",
  breaker_open: "No attempt is used up meanwhile. ",
};

function adviceOf({ reason }: Held): string {
  return ADVICE[reason] ?? "";
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
