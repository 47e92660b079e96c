import type { Context } from "../context.ts";
import { formatId, newId } from "../../core/ids.ts";
import { NOTICE_WINDOW_S, operationalBody } from "../../core/operational-events.ts";
import type { OperationalEvent } from "../../core/operational-events.ts";
import { wantsEvent } from "../../core/receivers.ts";
import {
  foldNotices,
  hasDueNotices,
  hasOperatorEndpoints,
  insertNoticeForOperators,
  listOperatorEndpoints,
  noticeExpiringSecrets,
  takeDueNotices,
  tryLockNotices,
} from "../../db/notices.ts";
import type { DueNotice, OperatorEndpoint } from "../../db/notices.ts";
import { findOldestDue } from "../../db/statistics/gauges.ts";
import { inTransaction } from "../../db/transaction.ts";
import { handOver } from "../deliveries/hand-over.ts";
import { publish } from "../deliveries/publish.ts";
import type { Publication } from "../deliveries/publish.ts";

/** Notices taken in one transaction, and messages made in one. */
const FOLDED = 1_000;
const TOLD = 50;
const LOCK_WAIT_MS = 2_000;
/** How long before its end a secret that was rotated out is told of. */
const EXPIRING_S = 86_400;

type NotifierContext = Pick<Context, "pool" | "worker" | "pumps" | "config" | "now">;

/**
 * Sends what operators should know: the first notice about a subject at once, what follows within
 * the window as one. Notices are taken and messages made in one transaction, by one process at a
 * time. Returns how many messages were made.
 */
export async function notifyOperators(
  context: NotifierContext,
  windowS = NOTICE_WINDOW_S,
): Promise<number> {
  if (!(await hasDueNotices(context.pool, windowS))) return 0;
  return await handOver(context, LOCK_WAIT_MS, async (tx, own) => {
    if (!(await tryLockNotices(tx))) return 0;
    await foldNotices(tx, FOLDED);
    const due = await takeDueNotices(tx, windowS, TOLD);
    if (due.length === 0) return 0;
    const accountIds = [...new Set(due.map(({ accountId }) => accountId))];
    const operators = Map.groupBy(
      await listOperatorEndpoints(tx, accountIds),
      (endpoint) => endpoint.account_id,
    );
    const publications = due.flatMap((notice) =>
      publicationsOf(context, notice, operators.get(notice.accountId) ?? []),
    );
    await publish(tx, publications, own);
    return publications.length;
  });
}

/** One message for each form of body that a receiver asks for. */
function publicationsOf(
  { config, now }: NotifierContext,
  notice: DueNotice,
  operators: readonly OperatorEndpoint[],
): Publication[] {
  const wanting = operators.filter(({ events }) => wantsEvent(events, notice.type));
  const event = toEvent(notice, config.publicUrl);
  return [...Map.groupBy(wanting, ({ format }) => format)].map(([format, receivers]) => {
    const createdAt = now();
    const id = newId();
    return {
      accountId: notice.accountId,
      jobId: null,
      type: notice.type,
      body: operationalBody(format, event, createdAt),
      createdAt,
      requestId: id,
      traceId: id.replaceAll("-", ""),
      callbacks: [],
      onlyEndpointIds: receivers.map((receiver) => receiver.id),
    };
  });
}

function toEvent(notice: DueNotice, publicUrl: string): OperationalEvent {
  const { type, subject, endpointId, endpoint, count, firstAt, lastAt, detail } = notice;
  const shown = showIds(detail);
  const id = endpointId === null ? null : formatId("endpoint", endpointId);
  return {
    type,
    subject: endpoint === null ? subject : endpoint.description || endpoint.url,
    endpoint: endpoint === null || id === null ? null : { id, ...endpoint },
    count,
    firstAt,
    lastAt,
    detail: shown,
    link: `${publicUrl}/console/${pageOf(type, id, shown)}`,
  };
}

/** The ids of a detail, as the API shows them. */
function showIds(detail: OperationalEvent["detail"]): OperationalEvent["detail"] {
  const kinds = { delivery_id: "delivery", job_id: "job" } as const;
  return Object.fromEntries(
    Object.entries(detail).map(([name, value]) => {
      const kind = kinds[name as keyof typeof kinds];
      return [name, kind === undefined ? value : formatId(kind, String(value))];
    }),
  );
}

function pageOf(
  type: OperationalEvent["type"],
  endpointId: string | null,
  detail: OperationalEvent["detail"],
): string {
  if (endpointId !== null) return `endpoints/${endpointId}`;
  if (type === "job.dead") return `jobs/${String(detail["job_id"])}`;
  if (type === "delivery.dead" || type === "replay.finished") return "dead-letters";
  if (type === "secret.expiring") return "settings";
  return "";
}

/** Makes notices of secrets that stop signing soon. */
export async function watchSecrets({ pool }: Pick<Context, "pool">): Promise<void> {
  await inTransaction(pool, (tx) => noticeExpiringSecrets(tx, EXPIRING_S));
}

/** Due for longer, work is late. */
const LATE_S = 60;

/** Makes notices of work that is due for a while and that nothing holds back. */
export async function watchBacklog({ pool }: Pick<Context, "pool">): Promise<void> {
  if (!(await hasOperatorEndpoints(pool))) return;
  const { oldest_job_s, oldest_delivery_s } = await findOldestDue(pool);
  const late = { jobs: oldest_job_s, deliveries: oldest_delivery_s };
  await inTransaction(pool, async (tx) => {
    if (!(await tryLockNotices(tx))) return;
    for (const [subject, seconds] of Object.entries(late)) {
      if (seconds === null || seconds < LATE_S) continue;
      const reason = `the oldest is due for ${Math.round(seconds)} s`;
      const detail = { reason, oldest_due_s: Math.round(seconds) };
      await insertNoticeForOperators(tx, { type: "backlog.late", subject, detail });
    }
  });
}
