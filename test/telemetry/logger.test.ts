import { spawnSync } from "node:child_process";
import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import winston from "winston";
import { createLogger } from "../../src/telemetry/logger.ts";

/** What is written of one line at level info. */
function written(message: string, fields: Record<string, unknown>): Record<string, unknown> {
  const log = createLogger({ level: "info", readable: false });
  const stream = new PassThrough();
  log.clear().add(new winston.transports.Stream({ stream }));
  log.info(message, fields);
  return JSON.parse(String(stream.read())) as Record<string, unknown>;
}

test("a line is JSON with its level, its time and its fields", () => {
  expect(written("attempt", { number: 1, error_code: null, list: [1], at: new Date(0) })).toEqual({
    level: "info",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    message: "attempt",
    number: 1,
    error_code: null,
    list: [1],
    at: "1970-01-01T00:00:00.000Z",
  });
});

test("what JSON can't say is written as well as can be, and does no harm", () => {
  const circular: Record<string, unknown> = { id: "job_1", bytes: 5n };
  circular["self"] = circular;
  expect(written("from a job", circular)).toEqual({
    level: "info",
    timestamp: expect.any(String),
    message: "from a job",
    fields: expect.stringMatching(/job_1.*5n/s),
  });
});

test("no line is lost when the process ends, and the order stays", () => {
  const program = `
    import { createLogger } from "./src/telemetry/logger.ts";
    const log = createLogger({ level: "info", readable: false });
    log.info("first");
    log.warn("second");
    log.info("third");
    process.exit(3);`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  expect(status).toBe(3);
  const messages = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { message: string });
  expect(messages.map(({ message }) => message)).toEqual(["first", "second", "third"]);
});

test("lines that come often are the same lines, in their order, and obey the level", () => {
  const program = `
    import { createLogger, logOften } from "./src/telemetry/logger.ts";
    const fields = { delivery_id: "dlv_1", event_type: 'a "b"', number: 2, manual: false, error_code: null };
    const log = createLogger({ level: "info", readable: false });
    log.info("attempt", fields);
    logOften(log, "attempt", fields);
    log.info("last");
    log.silent = true;
    logOften(log, "silent", fields);
    logOften(createLogger({ level: "warn", readable: false }), "not shown", fields);`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  const lines = stderr
    .trim()
    .split("\n")
    .map((line) => Object.entries(JSON.parse(line) as Record<string, unknown>));
  const withoutTime = lines.map((line) => line.filter(([name]) => name !== "timestamp"));
  expect(lines[1]![1]).toEqual(["timestamp", expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)]);
  expect(withoutTime).toHaveLength(3);
  expect(withoutTime[1]).toEqual(withoutTime[0]);
  expect(withoutTime[2]).toContainEqual(["message", "last"]);
});

test("processes that write to the same place write whole lines, and each says which it is", () => {
  const program = `
    import { createLogger } from "./src/telemetry/logger.ts";
    const lengths = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text) => lengths.push(Buffer.byteLength(text)) && write(text);
    const log = createLogger({ level: "info", readable: false, process: 2 });
    for (let n = 0; n < 100; n += 1) log.info("é".repeat(n));
    log.info("long".repeat(2_000));
    process.once("exit", () => console.log(JSON.stringify(lengths)));`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  const lines = stderr.trim().split("\n");
  expect(lines).toHaveLength(101);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ process: 2 });
  const lengths = JSON.parse(stdout) as number[];
  expect(lengths.length).toBeGreaterThan(3);
  expect(lengths.filter((bytes) => bytes > 4_096)).toEqual([lengths.at(-1)]);
});
