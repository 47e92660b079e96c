import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { rootDir } from "./markdown.ts";
import { eventually, freePort, untilItListens } from "./reader.ts";

const FOLDER = path.join(rootDir, "docs/examples/receivers");

let api: TestApi;
let built: string;
beforeAll(async () => {
  api = await startApi();
  built = mkdtempSync(path.join(tmpdir(), "ringback-receivers-"));
});
afterAll(async () => {
  await api?.stop();
  rmSync(built, { recursive: true, force: true });
});

function isAtHand(program: string): boolean {
  try {
    execFileSync(program, [program === "go" ? "version" : "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** How each is started. Go is built first, because `go run` leaves its program behind when ended. */
const LANGUAGES: [string, string, (program: string) => [string, string[]]][] = [
  ["Node", process.execPath, (program) => [program, [path.join(FOLDER, "receiver.mjs")]]],
  ["Python", "python3", (program) => [program, [path.join(FOLDER, "receiver.py")]]],
  [
    "Go",
    "go",
    (program) => {
      const receiver = path.join(built, "receiver");
      execFileSync(program, ["build", "-o", receiver, path.join(FOLDER, "receiver.go")], {
        env: { ...process.env, GOTOOLCHAIN: "local", GO111MODULE: "off" },
      });
      return [receiver, []];
    },
  ],
];

const atHand = LANGUAGES.filter(([, program]) => isAtHand(program));
const missing = LANGUAGES.filter((one) => !atHand.includes(one));

describe("the example receivers", () => {
  afterAll(() => {
    for (const [language, program] of missing) {
      process.stdout.write(`the receiver in ${language}: not tried, there is no ${program} here\n`);
    }
  });

  test.each(atHand)(
    "the one in %s takes a genuine webhook once, and refuses all others",
    async (_language, program, prepare) => {
      const port = await freePort();
      const told = await api.ask("GET", `/v1/signing-secret?origin=http://127.0.0.1:${port}`);
      const secret = told.body["secret"] as string;
      const [file, args] = prepare(program);
      const child = spawn(file, args, {
        env: { PATH: process.env["PATH"], PORT: String(port), SECRET: secret },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
      const ended = once(child, "exit");
      const url = `http://127.0.0.1:${port}/`;
      try {
        expect(await untilItListens(url)).toBe(401);
        await api.ask("POST", "/v1/jobs", {
          body: { type: "demo.echo", input: { text: "ä€😀" }, callback_url: url },
        });
        await eventually("the webhook", () =>
          /^msg_\w{26} job\.completed$/m.test(output) ? true : null,
        );

        const other = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
        const signed = (key: string, ageS: number, id = "msg_x") => {
          const at = new Date(Date.now() - ageS * 1000);
          return {
            "webhook-id": id,
            "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
            "webhook-signature": new Webhook(key).sign(id, at, EVENT),
          };
        };
        const post = async (headers: Record<string, string>, body = EVENT) =>
          (await fetch(url, { method: "POST", headers, body })).status;

        const genuine = signed(secret, 0);
        const rotating = `${signed(other, 0)["webhook-signature"]} ${genuine["webhook-signature"]}`;
        expect(await post({ ...genuine, "webhook-signature": rotating })).toBe(204);
        expect(await post(genuine)).toBe(204);
        expect(output.match(/^msg_x twice$/gm)).toHaveLength(1);

        const refused = [
          await post(signed(other, 0)),
          await post(signed(secret, 301)),
          await post(signed(secret, -310)),
          await post({ ...genuine, "webhook-id": "msg_y" }),
          await post({ ...genuine, "webhook-signature": "v1,", "webhook-id": "msg_y" }),
          await post({ ...genuine, "webhook-timestamp": "soon" }),
          await post(genuine, EVENT.replace("twice", "other")),
          await post({}),
        ];
        expect(refused).toEqual(refused.map(() => 401));
        expect(output.trim().split("\n")).toHaveLength(2);
      } finally {
        child.kill("SIGKILL");
        await ended;
      }
    },
    // the first build of Go's own packages takes its time
    120_000,
  );
});

const EVENT = JSON.stringify({ type: "twice", data: {} });
