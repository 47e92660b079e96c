import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { ACTIVITY_TYPES } from "../../src/core/activity.ts";
import { emits, typeBy, typeWhen } from "../../src/db/activity/emits.ts";

const SRC = path.resolve(import.meta.dirname, "../../src");
const about = { job_id: "id" };

test("a type that is misspelt does not compile", () => {
  // @ts-expect-error no such type
  emits("made", { type: "job.acepted", about, data: "'{}'" });
  // @ts-expect-error no such type
  typeWhen("true", "delivery.atempted");
  // @ts-expect-error no such type
  typeBy("status", { completed: "job.complete" });
  // @ts-expect-error no such column
  emits("made", { type: "job.accepted", about: { jobs_id: "id" }, data: "'{}'" });
});

test("nothing else writes entries, and each type is written by somebody", () => {
  const files = ["db", "flow"].flatMap((folder) =>
    readdirSync(path.join(SRC, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => path.join(folder, name)),
  );
  const texts = new Map(files.map((file) => [file, readFileSync(path.join(SRC, file), "utf8")]));
  const writers = files.filter((file) => /insert\s+into\s+activity\b/i.test(texts.get(file)!));
  expect(writers).toEqual([path.join("db", "activity", "emits.ts")]);
  const all = [...texts.values()].join("\n");
  for (const type of ACTIVITY_TYPES) expect(all).toContain(`"${type}"`);
});
