import { readFileSync } from "node:fs";
import { csvSummary } from "../../src/job-types/csv-summary.ts";
import { runJobType } from "../support/run-job-type.ts";
import type { Reports } from "../support/run-job-type.ts";

function data(file: string): string {
  return readFileSync(`node_modules/vega-datasets/data/${file}`, "utf8");
}
function summarize(input: Record<string, unknown>) {
  return runJobType(csvSummary, input);
}
async function typesOf(csv: string) {
  const { columns } = await summarize({ csv });
  return Object.fromEntries(columns.map(({ name, type }) => [name, type]));
}

// The truths about these files were computed apart, with exact fractions.
describe("real files", () => {
  it("airports.csv: quoted names, by state", async () => {
    const { rows, delimiter, columns, groups } = await summarize({
      csv: data("airports.csv"),
      group_by: "state",
    });
    expect({ rows, delimiter, groups: groups?.length }).toEqual({
      rows: 3_376,
      delimiter: ",",
      groups: 57,
    });
    expect(columns.map(({ name, type, nulls }) => [name, type, nulls])).toEqual([
      ["iata", "string", 0],
      ["name", "string", 0],
      ["city", "string", 0],
      ["state", "string", 0],
      ["country", "string", 0],
      ["latitude", "number", 0],
      ["longitude", "number", 0],
    ]);
    expect(columns[5]).toMatchObject({
      count: 3_376,
      sum: 135_163.303_759_77,
      mean: expect.closeTo(40.036_523_625_524_29, 12) as number,
      min: 7.367_222,
      max: 71.285_447_5,
    });
    expect(groups?.slice(0, 3).map(({ key }) => key.state)).toEqual(["MS", "TX", "CO"]);
    const alaska = groups?.find(({ key }) => key.state === "AK");
    expect(alaska).toMatchObject({
      rows: 263,
      columns: { latitude: { count: 263, sum: 16_130.923_730_29, max: 71.285_447_5 } },
    });
  });

  it("zipcodes.csv: codes with leading zeros are no numbers", async () => {
    const { rows, columns, groups } = await summarize({
      csv: data("zipcodes.csv"),
      group_by: ["state"],
      columns: ["latitude", "longitude"],
    });
    expect(rows).toBe(42_049);
    expect(columns.find(({ name }) => name === "zip_code")).toEqual({
      name: "zip_code",
      type: "string",
      nulls: 0,
    });
    expect(columns.find(({ name }) => name === "longitude")?.sum).toBe(-3_818_380.098_809);
    expect(groups?.length).toBe(59);
    const texas = groups?.find(({ key }) => key.state === "TX");
    expect(texas).toMatchObject({ rows: 2_670, columns: { latitude: { sum: 83_523.118_349 } } });
  });

  it("birdstrikes.csv: nulls, in all and in a group", async () => {
    const { rows, columns, groups } = await summarize({
      csv: data("birdstrikes.csv"),
      group_by: "Phase of flight",
    });
    expect(rows).toBe(10_000);
    expect(columns.find(({ name }) => name === "Flight Date")?.type).toBe("date");
    expect(columns.find(({ name }) => name === "Cost Total $")?.sum).toBe(40_545_276);
    expect(columns.find(({ name }) => name === "Speed IAS in knots")).toMatchObject({
      type: "integer",
      nulls: 2_836,
      count: 7_164,
    });
    const climb = groups?.find(({ key }) => key["Phase of flight"] === "Climb");
    expect(climb).toMatchObject({
      rows: 1_956,
      columns: {
        "Cost Total $": { count: 1_956, sum: 16_809_261 },
        "Speed IAS in knots": { count: 1_531, sum: 272_582 },
      },
    });
  });

  it("unemployment.tsv: tabs, and numbers that begin with a point", async () => {
    const { rows, delimiter, columns } = await summarize({ csv: data("unemployment.tsv") });
    const lines = data("unemployment.tsv").trim().split("\n").slice(1);
    const thousandths = lines.map((line) => Math.round(Number(line.split("\t")[1]) * 1_000));
    expect({ rows, delimiter }).toEqual({ rows: lines.length, delimiter: "\t" });
    expect(columns[1]).toMatchObject({
      type: "number",
      sum: expect.closeTo(thousandths.reduce((a, b) => a + b) / 1_000, 9) as number,
    });
  });
});

describe("columns", () => {
  it("are typed by all of their values", async () => {
    const csv = `int,num,bool,day,time,mixed,none,code,exp
1,1.5,true,2024-02-29,2024-01-01T10:00:00Z,1,,007,1e3
-20,2,FALSE,1999/12/31,2024-01-01 10:00:30.5+02:00,x,,7,-2.5E-2
+3,.5,True,2000-01-01,2000-01-01,2, ,8,0
`;
    expect(await typesOf(csv)).toEqual({
      int: "integer",
      num: "number",
      bool: "boolean",
      day: "date",
      time: "date",
      mixed: "string",
      none: "empty",
      code: "string",
      exp: "number",
    });
  });

  it.each(["NaN", "Infinity", "0x10", "1_000", "1,5", "1e999", "--1", "12-13", "."])(
    "take %s for text",
    async (text) => {
      expect(await typesOf(`v\n1\n"${text}"\n`)).toEqual({ v: "string" });
    },
  );

  it.each(["2024-13-01", "2024-00-10", "2024-01-32", "2024-01/01", "01/02/2024", "2024-1-1"])(
    "take %s for text, not a date",
    async (text) => expect(await typesOf(`v\n${text}\n`)).toEqual({ v: "string" }),
  );

  it("are summed exactly", async () => {
    const tenths = Array.from({ length: 10 }, () => "0.1");
    const { columns } = await summarize({ csv: `v\n${tenths.join("\n")}\n` });
    expect(columns[0]?.sum).toBe(1);
    const wide = await summarize({ csv: "v\n1e100\n1\n-1e100\n" });
    expect(wide.columns[0]?.sum).toBe(1);
  });

  it("have no sum when it exceeds the largest number", async () => {
    const { columns } = await summarize({ csv: "v\n1e308\n1e308\n" });
    expect(columns[0]).toMatchObject({ count: 2, sum: null, mean: null, min: 1e308 });
  });

  it("without a name are called by their number", async () => {
    const { columns } = await summarize({ csv: ",a, b \n0,1,2\n" });
    expect(columns.map(({ name }) => name)).toEqual(["column_1", "a", "b"]);
  });

  it("are aggregated only if named, when any are", async () => {
    const { columns } = await summarize({ csv: "a,b\n1,2\n", columns: ["b"] });
    expect(columns).toEqual([
      { name: "a", type: "integer", nulls: 0 },
      { name: "b", type: "integer", nulls: 0, count: 1, sum: 2, mean: 2, min: 2, max: 2 },
    ]);
  });
});

describe("groups", () => {
  it("may be made by several columns, nulls included", async () => {
    const csv = "year,kind,v,w\n2024,a,1,x\n2024,,2,x\n2024,a,3,\n2025,a,,x\n";
    const { groups } = await summarize({ csv, group_by: ["year", "kind"] });
    expect(groups).toEqual([
      {
        key: { year: "2024", kind: "a" },
        rows: 2,
        columns: { v: { count: 2, sum: 4, mean: 2, min: 1, max: 3 } },
      },
      {
        key: { year: "2024", kind: null },
        rows: 1,
        columns: { v: { count: 1, sum: 2, mean: 2, min: 2, max: 2 } },
      },
      {
        key: { year: "2025", kind: "a" },
        rows: 1,
        columns: { v: { count: 0, sum: 0, mean: null, min: null, max: null } },
      },
    ]);
  });

  it("do not run into each other", async () => {
    const { groups } = await summarize({
      csv: 'a,b\n"x"",""y",z\nx,"y"",""z"\n',
      group_by: ["a", "b"],
    });
    expect(groups?.length).toBe(2);
  });
});

describe("the text", () => {
  it("may have any line ending, blank lines, a byte order mark, and no last line ending", async () => {
    const { rows, columns } = await summarize({ csv: "\ufeffa,b\r\n1,2\n\n3,4\r\r\n5,6" });
    expect(rows).toBe(3);
    expect(columns.map(({ name, sum }) => [name, sum])).toEqual([
      ["a", 9],
      ["b", 12],
    ]);
  });

  it("may quote delimiters, quotes and line breaks", async () => {
    const csv = 'k,v\n"a,b",1\n"say ""hi""",2\n"two\nlines",3\n';
    const { groups } = await summarize({ csv, group_by: "k" });
    expect(groups?.map(({ key }) => key.k)).toEqual(["a,b", 'say "hi"', "two\nlines"]);
  });

  it("may be a header only", async () => {
    expect(await summarize({ csv: "a,b\n" })).toEqual({
      rows: 0,
      bytes: 4,
      delimiter: ",",
      columns: [
        { name: "a", type: "empty", nulls: 0 },
        { name: "b", type: "empty", nulls: 0 },
      ],
    });
  });

  it.each([
    ["a;b;c\n1,5;2;3\n", ";"],
    ["a|b\n1|2\n", "|"],
    ['"x;y;z",b\n1,2\n', ","],
    ["name\tnote\na\tone, two, three\nb\tfour\n", "\t"],
    ["single\n1\n", ","],
  ])("tells its delimiter: %j", async (csv, delimiter) => {
    expect((await summarize({ csv })).delimiter).toBe(delimiter);
  });

  it("is cut where it is told to be", async () => {
    const { columns } = await summarize({ csv: "a,b;c\n1,2;3\n", delimiter: ";" });
    expect(columns.map(({ name }) => name)).toEqual(["a,b", "c"]);
  });

  it("reports progress by bytes", async () => {
    const reports: Reports = { progress: [] };
    const row = "1,some text to fill the row\n";
    await runJobType(csvSummary, { csv: `n,text\n${row.repeat(40_000)}` }, { reports });
    const fractions = reports.progress.map(([fraction]) => fraction);
    expect(fractions.length).toBeGreaterThan(3);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(reports.progress[0]?.[1]).toMatch(/^\d+,\d{3} rows$/);
    expect(reports.progress.at(-1)).toEqual([1, "40,000 rows"]);
  });
});
