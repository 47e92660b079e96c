import { expect, test } from "@jest/globals";
import { didYouMean, nearest } from "../../src/core/nearest.ts";

const TYPES = ["csv.summary", "demo.echo", "demo.sleep"];

test.each([
  ["csv.sumary", "csv.summary"],
  ["CSV.Summary", "csv.summary"],
  ["demo.ehco", "demo.echo"],
  ["demo.sleeep", "demo.sleep"],
  ["image.resize", null],
  ["", null],
  ["x".repeat(100_000), null],
])("%s is taken for %s", (word, meant) => {
  expect(nearest(word, TYPES)).toBe(meant);
});

test("the nearest is chosen, and a hint is a sentence or nothing", () => {
  expect(nearest("jobs", ["jobx", "jobs", "jobz"])).toBe("jobs");
  expect(didYouMean("demo.eco", TYPES)).toBe(" Did you mean demo.echo?");
  expect(didYouMean("unlike", TYPES)).toBe("");
  expect(nearest("a", ["b".repeat(1_000_000)])).toBeNull();
});
