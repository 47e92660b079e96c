import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parseId } from "../../src/core/ids.ts";
import { runDeletion } from "../../src/flow/accounts/run-deletion.ts";
import { createReconciler } from "../../src/flow/maintenance/reconcile.ts";
import { hasRows } from "../../src/db/accounts/deletion.ts";
import { audit, LATER, startDeliveryApi, type DeliveryApi } from "../support/delivery.ts";
import { until } from "../support/jobs.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";

/** The time since the keys stopped that a deletion waits for is over at once. */
const LONG_AGO = "update accounts set state_changed_at = now() - interval '1 hour' where id = $1";

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await audit(api.database.pool);
  await receiver.close();
  await api.stop();
});

interface Victim {
  id: string;
  uuid: string;
  key: string;
  /** The job that ends first. */
  jobId: string;
}

/** An account with something in each table. */
async function fill(name: string): Promise<Victim> {
  const made = await api.must(201, "POST", "/v1/accounts", { body: { name } });
  const id = String(made["id"]);
  const uuid = parseId("account", id)!;
  const body = { name: "first", scopes: ["admin"] };
  const { key: text } = await api.must(201, "POST", `/v1/accounts/${id}/api-keys`, { body });
  const key = String(text);
  const post = (path: string, what: object, headers = {}): Promise<Record<string, unknown>> =>
    api.must(path === "/v1/endpoints" ? 201 : 202, "POST", path, { key, body: what, headers });
  const fine = await post("/v1/endpoints", { url: `${receiver.url}/fine`, events: ["a.fine"] });
  const links = { key, body: { endpoint_ids: [fine["id"]] } };
  await api.must(201, "POST", "/v1/portal-sessions", links);
  const dead = { max_attempts: 1 };
  await post("/v1/endpoints", { url: "http://127.0.0.1:1/", events: ["a.dead"], retry: dead });
  await post("/v1/endpoints", { url: "http://127.0.0.1:1/", events: ["a.late"], retry: LATER });
  await post("/v1/endpoints", {
    url: `${receiver.url}/ordered`,
    events: ["a.ordered"],
    ordered: true,
  });
  for (const type of ["a.fine", "a.dead", "a.late", "a.ordered"]) {
    await post("/v1/messages", { type, data: {} }, { "idempotency-key": `"${type}"` });
  }
  const callbacks = [{ url: `${receiver.url}/job`, events: ["job.completed", "job.canceled"] }];
  const echo = await post("/v1/jobs", { type: "demo.echo", input: 1, callbacks });
  await post("/v1/jobs", { type: "demo.sleep", input: { ms: 60_000 }, callbacks });
  for (let n = 0; n < 5; n += 1) {
    await post("/v1/jobs", { type: "demo.sleep", input: { ms: 60_000 } });
  }
  await post("/v1/replays", { filter: { status: "dead" }, dry_run: true });
  await until("a dead letter", async () => {
    const { data } = await api.must(200, "GET", "/v1/dead-letters", { key });
    return (data as unknown[]).length > 0;
  });
  await fetch(`http://127.0.0.1:${api.port}/console/session`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ api_key: key }),
  });
  return { id, uuid, key, jobId: String(echo["id"]) };
}

const state = (id: string): Promise<Record<string, unknown>> =>
  api.must(200, "GET", `/v1/accounts/${id}`);

async function deleted(id: string): Promise<Record<string, unknown>> {
  return await until(
    "the end of the deletion",
    async () => {
      const account = await state(id);
      return account["state"] === "deleted" ? account : undefined;
    },
    40_000,
  );
}

/** Rows per table of all other accounts. */
async function others(uuid: string): Promise<unknown> {
  const tables = ["jobs", "deliveries", "messages", "endpoints", "lanes", "api_keys", "accounts"];
  const parts = tables.map((table) => {
    const column = table === "accounts" ? "id" : "account_id";
    return `select '${table}' as name, count(*)::int as n from ${table} where ${column} <> $1`;
  });
  return (await api.database.pool.query(parts.join(" union all "), [uuid])).rows;
}

describe("deleting an account", () => {
  test("ends its work, deletes its rows and no others, and frees its name", async () => {
    const keeper = await fill("keeper");
    // its end makes a message
    await until("the end of a job", async () => {
      const { status } = await api.must(200, "GET", `/v1/jobs/${keeper.jobId}`, {
        key: keeper.key,
      });
      return status === "completed";
    });
    const victim = await fill("victim");
    const before = await others(victim.uuid);
    const begun = await api.must(202, "DELETE", `/v1/accounts/${victim.id}`);
    expect(begun).toMatchObject({ state: "deleting", name: "victim" });
    // asked again, it is the same
    await api.must(202, "DELETE", `/v1/accounts/${victim.id}`);
    const body = { name: "x", scopes: ["jobs"] };
    const refused = await api.ask("POST", `/v1/accounts/${victim.id}/api-keys`, { body });
    expect(refused.body).toMatchObject({ code: "account_state" });
    const taken = await api.ask("POST", "/v1/accounts", { body: { name: "victim" } });
    expect(taken.body).toMatchObject({ code: "account_name_taken" });
    const { rows } = await api.database.pool.query(
      "select from api_keys where account_id = $1 and revoked_at is null",
      [victim.uuid],
    );
    expect(rows).toEqual([]);
    await api.database.pool.query(LONG_AGO, [victim.uuid]);
    const account = await deleted(victim.id);
    expect(account["deleted_rows"]).toBeGreaterThan(30);
    expect(await hasRows(api.database.pool, victim.uuid)).toBe(false);
    const { rows: orphans } = await api.database.pool.query<{ n: number }>(
      `select (select count(*) from job_ends where account_id = $1)::int
         + (select count(*) from dead_letters where account_id = $1)::int
         + (select count(*) from portal_sessions where account_id = $1)::int
         + (select count(*) from endpoints where account_id = $1)::int
         + (select count(*) from attempts a where not exists (
             select from deliveries d where d.id = a.delivery_id))::int as n`,
      [victim.uuid],
    );
    expect(orphans).toEqual([{ n: 0 }]);
    expect(await others(victim.uuid)).toEqual(before);
    await api.must(200, "GET", "/v1/jobs", { key: keeper.key });
    await api.must(201, "POST", "/v1/accounts", { body: { name: "victim" } });
    const { data } = await api.must(200, "GET", `/v1/audit-events?target=${victim.id}`);
    expect((data as { action: string; actor: { type: string } }[]).map((one) => one)).toMatchObject(
      [
        { action: "account.deleted", actor: { type: "system" } },
        { action: "account.deletion_started", actor: { type: "api_key" } },
        { action: "account.created" },
      ],
    );
    const listed = await api.must(200, "GET", "/v1/accounts?state=deleted");
    expect(listed["data"]).toMatchObject([{ id: victim.id }]);
  }, 90_000);

  test("goes on after any kill, with another process, each row counted once", async () => {
    const { id, uuid } = await fill("killed");
    const { pool } = api.database;
    await pool.query(
      `with made as (
         insert into messages (id, account_id, type, body, delivery_count, request_id, trace_id)
         select gen_random_uuid(), $1, 'x', '', 0, '', '' from generate_series(1, 6000)
         returning id)
       select count(*) from made`,
      [uuid],
    );
    await api.must(202, "DELETE", `/v1/accounts/${id}`);
    await pool.query(LONG_AGO, [uuid]);
    // a killed process loses its transaction: all connections of this one go, again and again
    for (let n = 0; n < 8; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()
           and query ~ 'deliveries|messages|accounts|jobs' and state <> 'idle'`,
      );
    }
    const account = await deleted(id);
    expect(await hasRows(pool, uuid)).toBe(false);
    expect(account["deleted_rows"]).toBeGreaterThan(6_000);
    expect(account["deleted_rows"]).toBeLessThan(6_200);
  }, 90_000);

  test("is taken up again when its wake-up was lost", async () => {
    const made = await api.must(201, "POST", "/v1/accounts", { body: { name: "forgotten" } });
    const uuid = parseId("account", String(made["id"]))!;
    await api.database.pool.query("update accounts set state = 'deleting' where id = $1", [uuid]);
    await api.database.pool.query(LONG_AGO, [uuid]);
    const turn = await createReconciler(api.context, async () => undefined).turn();
    expect(turn.deletions).toBeLessThanOrEqual(1);
    await deleted(String(made["id"]));
  }, 60_000);

  test("by two processes at once is one deletion", async () => {
    const { id, uuid } = await fill("raced");
    await api.must(202, "DELETE", `/v1/accounts/${id}`);
    await api.database.pool.query(LONG_AGO, [uuid]);
    await Promise.all([1, 2, 3].map(() => runDeletion(api.context, uuid)));
    await deleted(id);
    const { data } = await api.must(
      200,
      "GET",
      `/v1/audit-events?target=${id}&action=account.deleted`,
    );
    expect(data).toHaveLength(1);
  }, 60_000);
});
