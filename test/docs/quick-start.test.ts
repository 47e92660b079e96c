import { symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { codeBlocks, readDoc, rootDir } from "./markdown.ts";
import { createReader, eventually, untilItListens } from "./reader.ts";
import type { Reader } from "./reader.ts";

const START = readDoc("docs/quick-start.md");
const POLLING = readDoc("docs/guides/from-polling.md");

let api: TestApi;
let reader: Reader;
beforeAll(async () => {
  api = await startApi();
  reader = await createReader(api);
  const folder = path.dirname(reader.save("note.txt", ""));
  symlinkSync(path.join(rootDir, "docs"), path.join(folder, "docs"));
});
afterAll(async () => {
  reader?.close();
  await api?.stop();
});

describe("what can be pasted", () => {
  test("the quick start leads to a verified callback", async () => {
    const block = (heading: string): string => codeBlocks(START, heading, "sh")[0]!;
    const receiver = reader.start(block("Receive"));
    try {
      expect(await untilItListens(`http://127.0.0.1:${reader.port}/`)).toBe(401);
      const [submitted] = await reader.paste(block("Submit"));
      expect(submitted).toMatchObject({ status: 202, body: { type: "csv.summary" } });
      await eventually("the webhook", () =>
        /^msg_\w{26} job\.completed$/m.test(receiver.output()) ? true : null,
      );
      const [again] = await reader.paste(block("Submit"));
      expect(again!.body).toEqual(submitted!.body);
      const { id } = submitted!.body as { id: string };
      const [jobs, deliveries] = await reader.paste(block("Look at it"));
      expect(jobs!.body).toMatchObject({ data: [{ id, status: "completed" }] });
      expect(deliveries!.body).toMatchObject({ data: [{ job_id: id, status: "delivered" }] });

      const [endpoint] = await reader.paste(
        codeBlocks(POLLING, "4. One endpoint for all", "sh")[0]!,
      );
      expect(endpoint).toMatchObject({ status: 201 });
      const [called] = await reader.paste(codeBlocks(POLLING, "3. Be called", "sh")[0]!);
      expect(called).toMatchObject({ status: 202, body: { metadata: { order: "A-1001" } } });
    } finally {
      await receiver.stop();
    }
  });

  test("the steps from polling: look, then wait", async () => {
    const [polled] = codeBlocks(POLLING, "1. Poll as before", "sh");
    const [waited] = codeBlocks(POLLING, "2. Ask once, wait for the answer", "sh");
    const got = await reader.paste(`${polled}${waited}`);
    expect(got.map(({ status }) => status)).toEqual([202, 200, 200]);
    expect(got.at(-1)!.body).toMatchObject({ status: "completed" });
  });
});
