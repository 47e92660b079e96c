import { expect, test } from "@jest/globals";
import { mergePages } from "../../src/telemetry/metrics-page.ts";
import { addGauge, createMetrics } from "../../src/telemetry/metrics.ts";

test("a page of several processes names each metric once, with the lines of all", () => {
  const page = (process: number): string =>
    `# HELP a_total Of a.\n# TYPE a_total counter\na_total{process="${process}"} 1\n\n# HELP b Of b.\n# TYPE b gauge\n`;
  expect(mergePages([page(1), page(2), ""])).toBe(
    `# HELP a_total Of a.\n# TYPE a_total counter\na_total{process="1"} 1\na_total{process="2"} 1\n\n# HELP b Of b.\n# TYPE b gauge\n`,
  );
});

test("what is counted in one of several processes has its number; what is the database's has not", async () => {
  const other = createMetrics({ process: 2 });
  const metrics = createMetrics({ process: 1, pagesOfOthers: async () => [await other.page()] });
  for (const one of [metrics, other]) {
    one.retries.inc();
    addGauge(one.database, { name: "jobs", help: "Jobs." }, () => ({ "": 7 }));
  }
  const { text } = await metrics.render();
  const of = (name: string): string[] =>
    text.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  expect(of("ringback_retries_total")).toEqual([
    'ringback_retries_total{process="1"} 1',
    'ringback_retries_total{process="2"} 1',
  ]);
  expect(of("jobs")).toEqual(["jobs 7"]);
  expect((await createMetrics().render()).text).not.toContain("process=");
});
