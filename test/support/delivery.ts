import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { parseId } from "../../src/core/ids.ts";
import { startApi } from "../http/api.ts";
import type { Ask, TestApi } from "../http/api.ts";
import type { TestContextOptions } from "./context.ts";
import type { ReceivedRequest } from "./receiver.ts";

/** Tries again at once, nearly, and without end. */
export const QUICK = { max_attempts: 50, base_s: 0.1, factor: 1, cap_s: 1 };
/** No attempt is lost to the breaker, none is tried twice. */
export const ONCE = { ...QUICK, max_attempts: 1 };
/** The first retry is hours away. */
export const LATER = { max_attempts: 12, base_s: 3_600, factor: 1, cap_s: 86_400 };

export interface TestEndpoint {
  id: string;
  uuid: string;
  laneId: string;
  secret: string;
}

export interface DeliveryView {
  id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  url: string;
  status: string;
  attempt_count: number;
  next_attempt_at: string | null;
  finished_at: string | null;
  dead_reason: string | null;
  dead_detail: string | null;
}

export interface AttemptView {
  number: number;
  url: string;
  remote_address: string | null;
  started_at: string;
  duration_ms: number;
  status_code: number | null;
  error_code: string | null;
  error_message: string | null;
  request_headers: Record<string, string>;
  response_headers: Record<string, string> | null;
  response_body: string | null;
  response_truncated: boolean;
  manual: boolean;
}

export interface MessageView {
  id: string;
  type: string;
  body: string;
  deliveries: DeliveryView[];
}

export interface DeliveryApi extends TestApi {
  /** Asks and expects one status. */
  must(status: number, method: string, path: string, ask?: Ask): Promise<Record<string, unknown>>;
  endpoint(url: string, fields?: object): Promise<TestEndpoint>;
  publish(type: string, data?: object): Promise<MessageView>;
  /** Submits demo.echo. Returns the job's id. */
  job(callbacks: object[], input?: unknown): Promise<string>;
  delivery(id: string): Promise<DeliveryView & { attempts: AttemptView[] }>;
  /** When it is pending no more. */
  ended(id: string): Promise<DeliveryView & { attempts: AttemptView[] }>;
  deliveries(query: string): Promise<DeliveryView[]>;
}

/** The whole product in this process, over HTTP on both sides. */
export async function startDeliveryApi(options: TestContextOptions = {}): Promise<DeliveryApi> {
  const api = await startApi(options);
  const must: DeliveryApi["must"] = async (status, method, path, ask) => {
    const answer = await api.ask(method, path, ask);
    if (answer.status !== status) {
      throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    }
    return answer.body;
  };
  const delivery: DeliveryApi["delivery"] = async (id) =>
    (await must(200, "GET", `/v1/deliveries/${id}`)) as unknown as Awaited<
      ReturnType<DeliveryApi["delivery"]>
    >;
  return {
    ...api,
    must,
    delivery,
    async endpoint(url, fields = {}) {
      const body = { url, retry: QUICK, ...fields };
      const made = await must(201, "POST", "/v1/endpoints", { body });
      const uuid = parseId("endpoint", String(made["id"]))!;
      const { rows } = await api.database.pool.query<{ lane_id: string }>(
        "select lane_id from endpoints where id = $1",
        [uuid],
      );
      return {
        id: String(made["id"]),
        uuid,
        laneId: rows[0]!.lane_id,
        secret: String(made["secret"]),
      };
    },
    async publish(type, data = {}) {
      const body = { type, data };
      return (await must(202, "POST", "/v1/messages", { body })) as unknown as MessageView;
    },
    async job(callbacks, input = 1) {
      const body = { type: "demo.echo", input, callbacks };
      return String((await must(202, "POST", "/v1/jobs", { body }))["id"]);
    },
    async ended(id) {
      return await eventually(async () => {
        const found = await delivery(id);
        return found.status === "pending" ? undefined : found;
      }, `the end of ${id}`);
    },
    async deliveries(query) {
      return (await must(200, "GET", `/v1/deliveries?limit=200&${query}`))[
        "data"
      ] as DeliveryView[];
    },
  };
}

/** Looks until there is something to see. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(20);
  }
}

/** `data` of a webhook. */
export function dataOf(request: ReceivedRequest): Record<string, unknown> {
  return (JSON.parse(request.body.toString()) as { data: Record<string, unknown> }).data;
}

export interface Books {
  messages: number;
  unbalanced: number;
  created: number;
  pending: number;
  delivered: number;
  dead: number;
  canceled: number;
}

export async function readBooks(pool: pg.Pool): Promise<Books> {
  const { rows } = await pool.query<Books>(
    `select count(*)::int as messages, count(*) filter (where not balanced)::int as unbalanced,
       coalesce(sum(created), 0)::int as created, coalesce(sum(pending), 0)::int as pending,
       coalesce(sum(delivered), 0)::int as delivered, coalesce(sum(dead), 0)::int as dead,
       coalesce(sum(canceled), 0)::int as canceled from books`,
  );
  return rows[0]!;
}

/** Every delivery's attempts are numbered 1, 2, … and as many as it counts. */
export async function findGaps(pool: pg.Pool): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select d.id, d.status, d.attempt_count, array_agg(a.number order by a.number) as numbers
     from deliveries d left join attempts a on a.delivery_id = d.id group by d.id
     having count(a.id) <> d.attempt_count or coalesce(max(a.number), 0) <> d.attempt_count`,
  );
  return rows;
}

/** After a file's tests: whatever they did, every promise about the record holds. */
export async function audit(pool: pg.Pool): Promise<void> {
  const { unbalanced } = await readBooks(pool);
  if (unbalanced > 0) throw new Error(`the books of ${unbalanced} messages do not balance`);
  const gaps = await findGaps(pool);
  if (gaps.length > 0) throw new Error(`attempts are missing: ${JSON.stringify(gaps)}`);
}
