import { readFileSync } from "node:fs";
import { createGroups } from "../../src/job-types/csv-groups.ts";
import { csvSummary } from "../../src/job-types/csv-summary.ts";
import { jobErrorOf, runJobType } from "../support/run-job-type.ts";
import { startTestServer } from "../support/csv-server.ts";

function errorOf(input: Record<string, unknown>) {
  return jobErrorOf(runJobType(csvSummary, input));
}
function final(code: string, message: string) {
  return { code, message, retryable: false };
}
const ROW = "1,2,3\n";

describe("what is wrong with a CSV is said in full", () => {
  it.each([
    ["", "csv_empty", "the CSV has no header row"],
    ["\n\r\n", "csv_empty", "the CSV has no header row"],
    ["a,b,a\n1,2,3\n", "csv_duplicate_column", 'the header names the column "a" more than once'],
    ["a,b\n1,2\n1\n", "csv_ragged_row", "line 3 has 1 fields, the header has 2"],
    ["a,b\n\n\n1,2,3\n", "csv_ragged_row", "line 4 has 3 fields, the header has 2"],
    ['a,b\n"x\ny",2\n1\n', "csv_ragged_row", "line 4 has 1 fields, the header has 2"],
    ['a,b\r\n"x\r\ny",2\r\n1\r\n', "csv_ragged_row", "line 4 has 1 fields, the header has 2"],
    [
      'a,b\n1,"2\n3,4\n',
      "csv_malformed",
      "the row that begins at line 2 has a quote that is never closed",
    ],
    [
      'a,b\n1,2\n"x"y,2\n',
      "csv_malformed",
      "the row that begins at line 3 has text after a closing quote",
    ],
    [
      'a,b\n1,x"y"\n',
      "csv_malformed",
      "the row that begins at line 2 has a quote in the middle of a field that is not quoted",
    ],
    ["a,b\n1,\0\n", "csv_malformed", "the CSV contains a NUL character at byte 6"],
  ])("%j", async (csv, code, message) => {
    expect(await errorOf({ csv })).toEqual(final(code, message));
  });

  it("a column that is missing", async () => {
    const message = 'there is no column "d"; the columns are "a", "b", "c"';
    const csv = `a,b,c\n${ROW}`;
    expect(await errorOf({ csv, group_by: "d" })).toEqual(final("csv_missing_column", message));
    expect(await errorOf({ csv, columns: ["a", "d"] })).toEqual(
      final("csv_missing_column", message),
    );
  });

  it("a column to aggregate that is not numeric", async () => {
    expect(await errorOf({ csv: `a,b,c\n${ROW}1,n/a,3\n`, columns: ["b"] })).toEqual(
      final("csv_not_numeric", 'column "b" is not numeric: line 3 has "n/a"'),
    );
  });

  it("a quote that would take in the rest of a large file", async () => {
    const csv = `a,b,c\n"1,2,3\n${ROW.repeat(300_000)}`;
    expect(await errorOf({ csv })).toEqual(
      final(
        "csv_malformed",
        "the row that begins at line 2 is longer than 1048576 bytes; is a quote not closed?",
      ),
    );
  });

  it("more groups than fit", async () => {
    const csv = readFileSync("node_modules/vega-datasets/data/zipcodes.csv", "utf8");
    expect(await errorOf({ csv, group_by: "city" })).toEqual(
      final("csv_too_many_groups", "grouping makes more than 10000 groups"),
    );
  });

  it("more groups of many columns, or of longer names, than fit", () => {
    const many = createGroups(300);
    for (let n = 0; n < 3_333; n++) many.of([`g${n}`]);
    expect(many.of(["g0"])).toBe(many.of(["g0"]));
    expect(() => many.of(["one more"])).toThrow(
      "grouping makes more than 3333 groups of 300 columns; name fewer columns",
    );
    const long = createGroups(1);
    for (let n = 0; n < 4; n++) long.of([String(n).repeat(1024 * 1024)]);
    expect(() => long.of(["one more"])).toThrow("more than 4194304 characters in all");
  });
});

describe("an input", () => {
  it.each([
    [{}, "give exactly one of csv and url"],
    [{ csv: "a", url: "https://example.org/a.csv" }, "give exactly one of csv and url"],
    [{ url: "ftp://example.org/a.csv" }, "url"],
    [{ csv: "a", delimiter: "x" }, "delimiter"],
    [{ csv: "a", groupby: "x" }, "groupby"],
  ])("%j is refused", (input, hint) => {
    const parsed = csvSummary.input.safeParse(input);
    expect(JSON.stringify(parsed.error?.issues)).toContain(hint);
  });
});

describe("a CSV by URL", () => {
  async function fetched(body: Buffer[], pauseMs = 0) {
    const server = await startTestServer((_, response) => {
      void (async () => {
        for (const part of body) {
          response.write(part);
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        response.end();
      })();
    });
    try {
      return await runJobType(csvSummary, { url: server.url, group_by: "k" });
    } finally {
      await server.close();
    }
  }

  it("may be cut in the middle of a character, a mark or a row", async () => {
    const bytes = Buffer.from("\ufeffk,v\n€,1\n😀,2\nü,3\n");
    const { groups, bytes: count } = await fetched(
      Array.from(bytes, (byte) => Buffer.from([byte])),
      1,
    );
    expect(groups?.map(({ key }) => key.k)).toEqual(["€", "😀", "ü"]);
    expect(count).toBe(bytes.length - 3);
  });

  it.each([
    [
      "Latin-1",
      Buffer.from("k,v\nx,1\nM\u00fcnchen,2\n", "latin1"),
      "in the line that begins at byte 8",
    ],
    ["cut off", Buffer.from("k,v\n€").subarray(0, -1), "in the line that begins at byte 4"],
    ["UTF-16", Buffer.from("\ufeffk,v\n1,2\n", "utf16le"), "(it looks like UTF-16)"],
  ])("must be UTF-8: %s", async (_, bytes, where) => {
    expect(await jobErrorOf(fetched([bytes]))).toEqual(
      final("csv_bad_encoding", `the CSV is not UTF-8 ${where}`),
    );
  });

  it.each([
    [404, false],
    [403, false],
    [429, true],
    [500, true],
    [503, true],
  ])("that is answered with %d: retryable %p", async (status, retryable) => {
    const server = await startTestServer((_, response) => response.writeHead(status).end("no"));
    const error = await errorOf({ url: server.url });
    await server.close();
    const message = `GET ${server.url} was answered with ${status}`;
    expect(error).toEqual({ code: "csv_fetch_failed", message, retryable });
  });

  it("from nobody may be tried again", async () => {
    const server = await startTestServer(() => undefined);
    await server.close();
    expect(await errorOf({ url: server.url })).toEqual({
      code: "csv_fetch_failed",
      message: expect.stringContaining("ECONNREFUSED") as string,
      retryable: true,
    });
  });

  it("that breaks off may be tried again", async () => {
    const server = await startTestServer((_, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("a,b\n1,2\n");
      setTimeout(() => response.destroy(), 20);
    });
    const error = await errorOf({ url: server.url });
    await server.close();
    expect(error).toMatchObject({ code: "csv_fetch_failed", retryable: true });
  });

  it("is let go when the job is stopped", async () => {
    const stop = new AbortController();
    const closed = Promise.withResolvers<void>();
    const server = await startTestServer((_, response) => {
      response.write("a,b\n1,2\n");
      response.on("close", closed.resolve);
      setTimeout(() => stop.abort(new Error("stopped")), 20);
    });
    const running = runJobType(csvSummary, { url: server.url }, { signal: stop.signal });
    await expect(running).rejects.toThrow("stopped");
    await closed.promise;
    await server.close();
  });
});
