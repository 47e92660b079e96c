import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { formatId } from "../../src/core/ids.ts";
import type { Problem } from "../../src/core/problem.ts";
import { sweep } from "../../src/flow/maintenance/reconcile.ts";
import { lockIdempotencyKeys } from "../../src/db/idempotency.ts";
import { sessionTx } from "../../src/db/transaction.ts";
import { submitJob } from "../../src/flow/jobs/submit.ts";
import type { Accepted, Submission } from "../../src/flow/jobs/submit.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { count, submissionOf, submit } from "../support/jobs.ts";

let t: TestContext;
let other: TestContext;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
  other = await createTestContext({ worker: false, database: t.database });
});
afterAll(async () => {
  await other?.stop();
  await t?.stop();
});

function keyed(key: string, fingerprint = "same", job: { input?: unknown } = {}): Submission {
  return submissionOf(t, {
    ...job,
    idempotency: {
      key,
      fingerprint,
      respond: ({ id }) => ({ status: 202, headers: { location: id }, body: formatId("job", id) }),
    },
  });
}

function bodyOf(accepted: Accepted): string {
  return accepted.kind === "created" ? formatId("job", accepted.job.id) : accepted.response.body;
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return await promise.then(
    () => undefined,
    (error: Problem) => error.code,
  );
}

async function rowsOf(key: string): Promise<{ jobs: number; records: number; entries: number }> {
  return {
    records: await count(t, "idempotency_records where key = $1", [key]),
    jobs: await count(t, "jobs where metadata::jsonb->>'key' = $1", [key]),
    entries: await count(
      t,
      `graphile_worker.jobs q join job_states j on q.created_at = j.next_run_at
       where q.task_identifier = 'claim-jobs' and j.metadata::jsonb->>'key' = $1`,
      [key],
    ),
  };
}

describe("what is accepted is durable (T1)", () => {
  test("job, record and queue entry are there for others when submitJob returns", async () => {
    for (let n = 0; n < 30; n++) {
      const key = `together-${n}`;
      await submitJob(t.context, { ...keyed(key), metadata: JSON.stringify({ key }) });
      expect(await rowsOf(key)).toEqual({ jobs: 1, records: 1, entries: 1 });
    }
  });

  test.each(["jobs", "unfinished_jobs", "idempotency_records", "graphile_worker._private_jobs"])(
    "when %s can't be written nothing is left, and the caller is told",
    async (table) => {
      const pool = t.database.pool;
      await pool.query(`create or replace function refuse() returns trigger language plpgsql as
        $$ begin raise 'refused by the test'; end $$`);
      await pool.query(`create trigger refuse before insert on ${table}
        for each row execute function refuse()`);
      const key = `refused-${table}`;
      try {
        await expect(
          submitJob(t.context, { ...keyed(key), metadata: JSON.stringify({ key }) }),
        ).rejects.toMatchObject({ message: "refused by the test" });
      } finally {
        await pool.query(`drop trigger refuse on ${table}`);
      }
      expect(await rowsOf(key)).toEqual({ jobs: 0, records: 0, entries: 0 });
      // the key was not used up
      expect((await submitJob(t.context, keyed(key))).kind).toBe("created");
    },
  );

  test("one that the database refuses does not fail those submitted beside it", async () => {
    const good = Array.from({ length: 20 }, (_, n) =>
      submitJob(t.context, {
        ...keyed(`beside-${n}`),
        metadata: JSON.stringify({ group: "beside" }),
      }),
    );
    // a time no worker could keep: refused by a constraint of the table
    const bad = submitJob(t.context, submissionOf(t, { timeoutS: 0, metadata: { group: "bad" } }));
    await expect(bad).rejects.toMatchObject({ code: "23514" });
    const kinds = (await Promise.all(good)).map(({ kind }) => kind);
    expect(kinds).toEqual(good.map(() => "created"));
    expect(await count(t, "jobs where metadata::jsonb->>'group' = 'beside'")).toBe(20);
    expect(await count(t, "jobs where metadata::jsonb->>'group' = 'bad'")).toBe(0);
  });

  test("a callback to an endpoint of another account is refused before anything is written", async () => {
    const before = await count(t, "jobs");
    const callbacks = [{ endpoint_id: "01890000-0000-7000-8000-000000000000", events: [] }];
    expect(await codeOf(submitJob(t.context, submissionOf(t, { callbacks })))).toBe(
      "endpoint_unknown",
    );
    expect(await count(t, "jobs")).toBe(before);
  });
});

describe("idempotency", () => {
  test("50 at once in two processes make one job and get one answer", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        submitJob((n % 2 === 0 ? t : other).context, {
          ...keyed("many"),
          metadata: JSON.stringify({ key: "many" }),
        }),
      ),
    );
    expect(new Set(answers.map(bodyOf)).size).toBe(1);
    expect(answers.filter(({ kind }) => kind === "created")).toHaveLength(1);
    expect(await rowsOf("many")).toEqual({ jobs: 1, records: 1, entries: 1 });
  });

  test("many keys at once in two processes, in any order, don't stop one another", async () => {
    const order = Array.from({ length: 120 }, (_, n) => `k${(n * 37) % 40}`);
    const answers = await Promise.all([
      ...order.map((key) => submitJob(t.context, keyed(key))),
      ...order.toReversed().map((key) => submitJob(other.context, keyed(key))),
    ]);
    expect(answers.filter(({ kind }) => kind === "created")).toHaveLength(40);
    expect(new Set(answers.map(bodyOf)).size).toBe(40);
  });

  test("another request under the same key is refused, at once and later", async () => {
    const both = await Promise.allSettled([
      submitJob(t.context, keyed("other", "one")),
      submitJob(t.context, keyed("other", "two")),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const loser = both[0].status === "rejected" ? "one" : "two";
    expect(await codeOf(submitJob(other.context, keyed("other", loser)))).toBe(
      "idempotency_key_reused",
    );
  });

  test("an expired key is free again, for one", async () => {
    const first = await submitJob(t.context, keyed("old", "one"));
    await t.database.pool.query(
      "update idempotency_records set expires_at = now() - interval '1 second' where key = 'old'",
    );
    const again = await Promise.all([
      submitJob(t.context, keyed("old", "two")),
      submitJob(other.context, keyed("old", "two")),
      submitJob(t.context, keyed("old", "two")),
    ]);
    expect(again.filter(({ kind }) => kind === "created")).toHaveLength(1);
    expect(new Set(again.map(bodyOf)).size).toBe(1);
    expect(bodyOf(again[0])).not.toBe(bodyOf(first));
  });

  test("expired records are swept away, others stay", async () => {
    await submitJob(t.context, keyed("swept"));
    await submitJob(t.context, keyed("kept"));
    await t.database.pool.query(
      "update idempotency_records set expires_at = now() - interval '1 second' where key = 'swept'",
    );
    await sweep(t.context);
    expect(await count(t, "idempotency_records where key in ('swept', 'kept')")).toBe(1);
    expect((await submitJob(t.context, keyed("kept"))).kind).toBe("replayed");
  });

  test("a key in the hands of another transaction: in progress, and neighbours go on", async () => {
    await submitJob(t.context, keyed("held"));
    // a server that froze in the middle of T1
    const holder = new pg.Client({ connectionString: t.database.url });
    await holder.connect();
    await holder.query("begin");
    await lockIdempotencyKeys(sessionTx(holder), [{ accountId: t.accountId, key: "held" }]);
    try {
      const held = Array.from({ length: 10 }, () => codeOf(submitJob(t.context, keyed("held"))));
      const beside = await submit(t, { metadata: { key: "beside the held one" } });
      const first = await Promise.race([...held, Promise.resolve("still waiting")]);
      expect(first).toBe("still waiting");
      expect(await count(t, "jobs where id = $1", [beside])).toBe(1);
      expect(new Set(await Promise.all(held))).toEqual(new Set(["idempotency_in_progress"]));
    } finally {
      await holder.query("rollback");
      await holder.end();
    }
    expect((await submitJob(t.context, keyed("held"))).kind).toBe("replayed");
  });
});
