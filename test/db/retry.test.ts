import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type pg from "pg";
import type { Context } from "../../src/flow/context.ts";
import { connect } from "../../src/db/connection.ts";
import { retryWhileUnavailable } from "../../src/db/retry.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => await database.drop());

type Line = [level: string, message: string, what: unknown];

function recordLog(): { lines: Line[]; telemetry: Context["telemetry"] } {
  const lines: Line[] = [];
  const say = (level: string) => (message: string, fields: { what?: unknown }) =>
    void lines.push([level, message, fields.what]);
  const log = { warn: say("warn"), error: say("error") };
  return { lines, telemetry: { log } as unknown as Context["telemetry"] };
}

const STUCK = "a write does not get through; it is tried on";

test("L10: a write that takes too long each time is told of once, and tried on", async () => {
  const options = {
    connectionString: database.url,
    name: "test",
    limits: { statementMs: 400, idleInTransactionMs: 0 },
  };
  const clients = await Promise.all([connect(options), connect(options)]);
  const { lines, telemetry } = recordLog();
  try {
    const write = async (client: pg.Client, slowTries: number): Promise<string> => {
      let tries = 0;
      return await retryWhileUnavailable(telemetry.log, "leave lane", async () => {
        tries += 1;
        await client.query("select pg_sleep($1)", [tries > slowTries ? 0 : 5]);
        return "left";
      });
    };
    expect(await Promise.all([write(clients[0], 6), write(clients[1], 7)])).toEqual([
      "left",
      "left",
    ]);
    expect(lines.filter(([level]) => level === "warn")).toHaveLength(13);
    expect(new Set(lines.filter(([level]) => level === "warn").map(([, text]) => text))).toEqual(
      new Set(["statement took too long"]),
    );
    expect(lines.filter(([level]) => level === "error")).toEqual([["error", STUCK, "leave lane"]]);
    // it got through, so the next time is told again
    await write(clients[0], 5);
    expect(lines.filter(([level]) => level === "error")).toHaveLength(2);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}, 60_000);

test("L8: what is lost to a neighbour is tried again, and no outage", async () => {
  const { lines, telemetry } = recordLog();
  const [one, other] = await Promise.all(["one", "other"].map(() => database.pool.connect()));
  try {
    await one!.query("create table contended as select 1 as n");
    let tries = 0;
    const write = async (): Promise<number> => {
      tries += 1;
      await one!.query("begin isolation level repeatable read; select n from contended");
      if (tries === 1) await other!.query("update contended set n = n + 1");
      try {
        await one!.query("update contended set n = n * 10");
        await one!.query("commit");
      } catch (error) {
        await one!.query("rollback");
        throw error;
      }
      return tries;
    };
    expect(await retryWhileUnavailable(telemetry.log, "settle attempt", write)).toBe(2);
    expect(lines).toEqual([["warn", "lost to a neighbour", "settle attempt"]]);
    expect((await other!.query("select n from contended")).rows).toEqual([{ n: 20 }]);
  } finally {
    one!.release();
    other!.release();
  }
});
