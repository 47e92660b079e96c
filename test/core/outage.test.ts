import pg from "pg";
import { describe, expect, test } from "@jest/globals";
import { hindranceOf, isOutage } from "../../src/core/outage.ts";

const coded = (code: string): Error => Object.assign(new Error("x"), { code });

describe("an outage of the database", () => {
  test.each([
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "EAI_AGAIN",
    "08000",
    "08006",
    "08P01",
    "53100",
    "53200",
    "53300",
    "57P01",
    "57P02",
    "57P03",
    "58030",
    "25006",
  ])("%s is one", (code) => {
    expect(isOutage(coded(code))).toBe(true);
  });

  test.each(["40001", "40P01", "57014"])("%s is none, but may work later", (code) => {
    expect(isOutage(coded(code))).toBe(false);
    expect(hindranceOf(coded(code))).toMatch(/^(lost to a neighbour|statement took too long)$/);
  });

  test.each(["23505", "23514", "22P02", "42601", "42P01", "55P03", "0A000", "57014x", "ERR_X"])(
    "%s is none: the statement is wrong, or unlucky",
    (code) => {
      expect(isOutage(coded(code))).toBe(false);
      expect(hindranceOf(coded(code))).toBeNull();
    },
  );

  test.each([
    "Connection terminated unexpectedly",
    "Connection terminated due to connection timeout",
    "timeout exceeded when trying to connect",
    "Client has encountered a connection error and is not queryable",
    "Client was closed and is not queryable",
    "Cannot use a pool after calling end on the pool",
  ])("%s is one", (message) => {
    expect(isOutage(new Error(message))).toBe(true);
  });

  test.each([null, undefined, "ECONNREFUSED", 57, {}, new Error("no")])("%p is none", (thrown) => {
    expect(isOutage(thrown)).toBe(false);
  });

  test("as pg itself reports it: a server that is not there", async () => {
    const client = new pg.Client({ host: "127.0.0.1", port: 1, user: "x", database: "x" });
    const error = await client.connect().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).not.toBeNull();
    expect(isOutage(error)).toBe(true);
  });

  test("as pg itself reports it: a backend that is shot, a wrong statement", async () => {
    const connectionString = process.env["TEST_POSTGRES_URL"]!;
    const victim = new pg.Client({ connectionString });
    victim.on("error", () => undefined);
    const admin = new pg.Client({ connectionString });
    await Promise.all([victim.connect(), admin.connect()]);
    const wrong = await victim.query("select nothing").catch((thrown: unknown) => thrown);
    expect(isOutage(wrong)).toBe(false);
    const { rows } = await victim.query<{ pid: number }>("select pg_backend_pid() as pid");
    const asleep = victim.query("select pg_sleep(20)").catch((thrown: unknown) => thrown);
    await admin.query("select pg_terminate_backend($1)", [rows[0]!.pid]);
    expect(isOutage(await asleep)).toBe(true);
    const after = await victim.query("select 1").catch((thrown: unknown) => thrown);
    expect(isOutage(after)).toBe(true);
    await admin.end();
  });
});
