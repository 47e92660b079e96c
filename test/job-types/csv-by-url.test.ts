import { once } from "node:events";
import { createTestPool, runJob } from "../support/compute.ts";
import { startTestServer } from "../support/csv-server.ts";

const ROWS_PER_BLOCK = 25_000;
const BLOCKS = 100;
const HEADER = Buffer.from("id,parity,amount,note\n");
const BLOCK = Buffer.from(
  Array.from({ length: ROWS_PER_BLOCK }, (_, n) => {
    const id = n + 1_000_000;
    const parity = n % 2 === 0 ? "even" : "odd";
    return `${id},${parity},${(n % 1_000) + 1_000}.25,"some, text ${id}"\n`;
  }).join(""),
);

const ROWS = ROWS_PER_BLOCK * BLOCKS;
const TOTAL_BYTES = HEADER.length + BLOCK.length * BLOCKS; // 103 MB

/** What `test.csv-memory` returns. */
interface Measured {
  summary: unknown;
  calls: number;
  peakBytes: number;
}

const pool = createTestPool({ memoryMb: 48, allowTargets: "127.0.0.1/32" });
afterAll(() => pool.close());

it("summarizes 100 MB in a thread of 48 MiB", async () => {
  const server = await startTestServer((_, response) => {
    response.writeHead(200, { "content-type": "text/csv", "content-length": TOTAL_BYTES });
    void (async () => {
      response.write(HEADER);
      for (let n = 0; n < BLOCKS; n++) {
        if (!response.write(BLOCK)) await once(response, "drain");
      }
      response.end();
    })();
  });
  const fractions: number[] = [];
  const start = performance.now();
  const input = { url: server.url, group_by: "parity", columns: ["amount"] };
  const outcome = await runJob(pool, "test.csv-memory", input, {
    onProgress: ({ fraction }) => fractions.push(fraction),
  });
  const seconds = (performance.now() - start) / 1_000;
  await server.close();

  if (outcome.kind !== "completed") throw new Error(JSON.stringify(outcome));
  const { summary, calls, peakBytes } = JSON.parse(outcome.result) as Measured;
  const half = ROWS / 2;
  // The amounts go from 1000.25 to 1999.25, the odd ones by 1 above the even ones.
  expect(summary).toMatchObject({
    rows: ROWS,
    bytes: TOTAL_BYTES,
    columns: [
      { name: "id", type: "integer" },
      { name: "parity", type: "string" },
      { type: "number", count: ROWS, sum: ROWS * 1499.75, min: 1000.25, max: 1999.25 },
      { name: "note", type: "string" },
    ],
    groups: [
      { key: { parity: "even" }, rows: half, columns: { amount: { sum: half * 1499.25 } } },
      { key: { parity: "odd" }, rows: half, columns: { amount: { mean: 1500.25 } } },
    ],
  });
  expect(fractions.length).toBeGreaterThan(10);
  expect(fractions.length).toBeLessThan(calls / 5); // throttled
  expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
  // Live heap and buffers of the thread, its job types included.
  expect(calls).toBeGreaterThan(500);
  expect(peakBytes).toBeGreaterThan(1_000_000);
  expect(peakBytes).toBeLessThan(40_000_000);
  if (process.env.RINGBACK_MEASURE === "1") {
    console.log(
      `${(TOTAL_BYTES / 1e6 / seconds).toFixed(1)} MB/s, peak ${(peakBytes / 1e6).toFixed(0)} MB`,
    );
  }
});

it("may not fetch from where the service may not", async () => {
  const server = await startTestServer((_, response) => response.end("a,b\n1,2\n"));
  const url = server.url.replace("127.0.0.1", "127.0.0.2");
  const outcome = await runJob(pool, "csv.summary", { url });
  await server.close();
  expect(outcome).toMatchObject({ kind: "failed", code: "target_blocked", retryable: false });
});

it("reports rows alone when the length is not known", async () => {
  const server = await startTestServer((_, response) => {
    response.write(HEADER);
    response.write(BLOCK);
    response.end(BLOCK);
  });
  const progress: [number, string | null][] = [];
  const outcome = await runJob(
    pool,
    "csv.summary",
    { url: server.url },
    { onProgress: ({ fraction, message }) => progress.push([fraction, message]) },
  );
  await server.close();
  expect(outcome.kind).toBe("completed");
  expect(progress[0]?.[0]).toBe(0);
  expect(progress[0]?.[1]).toMatch(/^[\d,]+ rows$/);
  expect(progress.at(-1)).toEqual([1, "50,000 rows"]);
});
