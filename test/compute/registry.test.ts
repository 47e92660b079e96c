import { fileURLToPath } from "node:url";
import { loadJobTypes } from "../../src/compute/registry.ts";

function fixture(name: string): string {
  return fileURLToPath(new URL(`../support/job-types/${name}`, import.meta.url));
}
const EXAMPLE = new URL("../../docs/examples/word-count.ts", import.meta.url).href;
const BUILT_IN = ["csv.summary", "demo.echo", "demo.sleep", "demo.burn", "demo.fail"];

describe("loadJobTypes", () => {
  it("always has the built-in ones", async () => {
    const registry = await loadJobTypes([]);
    expect(registry.names()).toEqual(BUILT_IN);
    expect(registry.get("demo.echo")?.name).toBe("demo.echo");
    expect(registry.get("demo.nothing")).toBeUndefined();
  });

  it("takes default exports, arrays, file URLs, and absolute and relative paths", async () => {
    const relative = "./docs/examples/word-count.ts";
    const registry = await loadJobTypes([EXAMPLE, fixture("behaviours.ts"), relative]);
    expect(registry.names()).toEqual(expect.arrayContaining(["text.word-count", "test.exit"]));
    expect(registry.names().length).toBe(new Set(registry.names()).size);
  });

  it("describes each with JSON Schemas of what goes in and what comes out", async () => {
    const registry = await loadJobTypes([EXAMPLE]);
    const described = registry.describe();
    expect(described.map(({ name }) => name)).toEqual([...BUILT_IN, "text.word-count"]);
    expect(described.at(-1)).toMatchObject({
      description: expect.stringContaining("Counts the words") as string,
      timeout_s: 60,
      max_runs: 2,
      // As input: what has a default may be left out.
      input_schema: {
        type: "object",
        required: ["text"],
        properties: { top: { type: "integer", default: 10 } },
      },
      result_schema: { type: "object", required: ["words", "distinct", "top"] },
    });
    expect(described.find(({ name }) => name === "demo.fail")).toMatchObject({ max_runs: 3 });
  });

  it.each([
    [fixture("missing.ts"), /missing\.ts/],
    ["no-such-package", /no-such-package/],
    [fixture("no-job-type.ts"), /: it exports no job type$/],
    [fixture("throws-at-import.ts"), /: no licence$/],
    [fixture("second-echo.ts"), /: demo\.echo is already defined by the built-in ones$/],
    [fixture("malformed.ts"), /: export half: input is not a zod schema \(use defineJobType\)$/],
  ])("refuses %s in one line", async (module, reason) => {
    const error = await loadJobTypes([module]).then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.message).toMatch(reason);
    expect(error?.message.startsWith(`cannot load job types from ${module}: `)).toBe(true);
    expect(error?.message).not.toContain("\n");
  });

  it("names the other module of a name defined twice", async () => {
    const copy = `${EXAMPLE}?copy`;
    await expect(loadJobTypes([EXAMPLE, copy])).rejects.toThrow(
      `cannot load job types from ${copy}: text.word-count is already defined by ${EXAMPLE}`,
    );
  });
});
