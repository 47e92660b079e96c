import { describe, expect, test } from "@jest/globals";
import { jobEventBody, messageBody } from "../../src/core/events.ts";
import { INLINE_RESULT_BYTES } from "../../src/core/model.ts";
import type { JobEventFacts } from "../../src/core/events.ts";

const AT = new Date("2026-11-21T10:00:02.000Z");
const FACTS: JobEventFacts = {
  jobId: "0199f6a2-7c1e-7b53-9d0c-4c1f3a5e8b27",
  jobType: "demo.echo",
  status: "completed",
  run: 1,
  metadata: '{"order":"A-1001"}',
  createdAt: new Date("2026-11-21T10:00:00.000Z"),
  startedAt: new Date("2026-11-21T10:00:01.000Z"),
  finishedAt: AT,
};
const ID = "job_01k7va4z0yfd9st32c3wx5x2s7";

const body = (facts: Partial<JobEventFacts>): string =>
  jobEventBody("job.completed", { ...FACTS, ...facts }, AT, "https://ringback.test");
const data = (facts: Partial<JobEventFacts>): Record<string, unknown> =>
  (JSON.parse(body(facts)) as { data: Record<string, unknown> }).data;

describe("the body of a job's event", () => {
  test("byte for byte", () => {
    expect(body({ result: '{"a": 1.0,"b":[1e3]}' })).toBe(
      '{"type":"job.completed","timestamp":"2026-11-21T10:00:02.000Z","data":{' +
        `"job_id":"${ID}","job_type":"demo.echo","status":"completed","run":1,` +
        '"metadata":{"order":"A-1001"},"result":{"a": 1.0,"b":[1e3]},' +
        '"created_at":"2026-11-21T10:00:00.000Z","started_at":"2026-11-21T10:00:01.000Z",' +
        '"finished_at":"2026-11-21T10:00:02.000Z"}}',
    );
  });

  test.each([
    ['a "quoted" \\ path', "\u2028\u2029\u0000\u001f\u007f"],
    ["\ud800 alone", "🎉\ufeff"],
    ["</script>", "\r\n\t"],
  ])("is valid JSON for odd strings: %j", (one, two) => {
    const parsed = data({
      jobType: one,
      metadata: JSON.stringify({ [one]: two }),
      error: { code: two, message: one },
      progress: { fraction: 0.5, message: two, data: null },
    });
    expect(parsed).toMatchObject({
      job_type: one,
      metadata: { [one]: two },
      error: { code: two, message: one },
      progress: { message: two },
    });
    // what is signed and what is sent are the same bytes only if no half character is in them
    const text = body({ metadata: JSON.stringify({ [one]: two }) });
    expect(Buffer.from(text, "utf8").toString("utf8")).toBe(text);
  });

  test("a result up to 64 KiB rides along, one byte more is fetched", () => {
    const small = JSON.stringify("é".repeat((INLINE_RESULT_BYTES - 2) / 2));
    expect(Buffer.byteLength(small)).toBe(INLINE_RESULT_BYTES);
    expect(data({ result: small })).toMatchObject({ result: JSON.parse(small) as string });
    expect(data({ result: small })).not.toHaveProperty("result_url");

    const large = data({ result: JSON.stringify(`${"é".repeat((INLINE_RESULT_BYTES - 2) / 2)}x`) });
    expect(large).not.toHaveProperty("result");
    expect(large["result_url"]).toBe(`https://ringback.test/v1/jobs/${ID}/result`);
  });

  test.each(["null", "false", "0", '""', "[]"])("the result %s is a result", (result) => {
    expect(data({ result })).toHaveProperty("result", JSON.parse(result));
  });

  test("without result, error or progress there is no such field", () => {
    const bare = data({ status: "pending", startedAt: null, finishedAt: null, result: null });
    expect(Object.keys(bare)).toEqual([
      "job_id",
      "job_type",
      "status",
      "run",
      "metadata",
      "created_at",
      "started_at",
      "finished_at",
    ]);
    expect(bare).toMatchObject({ started_at: null, finished_at: null });
  });

  test("progress carries its data unparsed", () => {
    const text = body({ progress: { fraction: 0.25, message: null, data: '{"rows": 10.0}' } });
    expect(text).toContain('"progress":{"fraction":0.25,"message":null,"data":{"rows": 10.0}}');
  });
});

test("a message of one's own", () => {
  const text = messageBody('odd "type"', AT, '{"n":1.0}');
  expect(text).toBe(
    '{"type":"odd \\"type\\"","timestamp":"2026-11-21T10:00:02.000Z","data":{"n":1.0}}',
  );
});
