import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { renewMasterKey } from "../../src/server/generated-keys.ts";
import { processStart, waitForProcessEnd } from "../../src/embedded-postgres/process-info.ts";
import { endProcess, runRingback, startRingback } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";

const sh = promisify(execFile);

let dataDir: string;
let ringback: RingbackProcess | undefined;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), "ringback-serve-"));
});
afterEach(async () => await endProcess(ringback));
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

async function serve(): Promise<RingbackProcess> {
  const started = startRingback(["serve"], { RINGBACK_DATA_DIR: dataDir, PORT: "0" });
  ringback = started;
  await started.wrote('"message":"ready"', 25_000);
  return started;
}

function fileText(name: string): string {
  return readFileSync(join(dataDir, name), "utf8").trim();
}

function postgresPid(): number {
  return Number(fileText("postgres/postmaster.pid").split("\n")[0]);
}

function bannerOf({ output }: RingbackProcess): { url: string; key: string; curl: string } {
  const { stdout } = output;
  const [, url] = /^ {2}Ringback \d+\.\d+\.\d+ {3}(http:\/\/127\.0\.0\.1:\d+)$/m.exec(stdout) ?? [];
  const [, key] = /^ {2}API key {6}(rk_\S+)$/m.exec(stdout) ?? [];
  const [curl] = /^ {2}curl [\s\S]*$/m.exec(stdout) ?? [];
  if (url === undefined || key === undefined || curl === undefined) {
    throw new Error(`the banner is ${stdout}`);
  }
  return { url, key, curl };
}

async function ask(
  url: string,
  key: string,
  path: string,
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}` } });
  return { status: response.status, body: await response.text() };
}

describe("ringback serve, without a database given", () => {
  let jobId: string;
  let firstKey: string;

  test("says what one needs to know; what it says to paste works; Ctrl-C leaves nothing behind", async () => {
    const running = await serve();
    const { url, key, curl } = bannerOf(running);
    firstKey = key;
    const { stdout } = running.output;
    expect(stdout).toMatch(new RegExp(`^ {2}Data {9}${dataDir}$`, "m"));
    expect(stdout).toMatch(/^ {2}Receivers {4}.*loopback.*development/m);
    expect(stdout).toMatch(/^ {2}Roles {8}api, compute, deliver$/m);

    const pasted = await sh("sh", ["-c", curl]);
    const job = JSON.parse(pasted.stdout) as { id: string; status: string };
    expect(job).toMatchObject({ type: "demo.echo", status: "completed" });
    jobId = job.id;
    expect((await ask(url, key, "/healthz")).status).toBe(200);
    expect((await ask(url, key, "/readyz")).status).toBe(200);
    expect((await ask(url, "rk_wrong_wrong_wrong_wrong", "/v1/jobs")).status).toBe(401);

    const postgres = postgresPid();
    expect(processStart(postgres)).not.toBeNull();
    running.kill("SIGINT");
    const { code, signal, stderr } = await running.ended;
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    expect(await waitForProcessEnd(postgres, 5_000)).toBe(true);
    expect(readdirSync(dataDir)).not.toContain("ringback.pid");

    // what is on standard error are log lines, and no secret is among them
    for (const line of stderr.trim().split("\n")) expect(() => JSON.parse(line)).not.toThrow();
    const secrets = [key, fileText("master-key"), fileText("postgres-password")];
    for (const secret of secrets) expect(stderr).not.toContain(secret);
    for (const secret of secrets.slice(1)) expect(stdout).not.toContain(secret);
    for (const file of ["master-key", "api-key", "postgres-password"]) {
      expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
    }
  });

  test("the second start finds what the first one made; the folder is its own meanwhile", async () => {
    const running = await serve();
    const { url, key } = bannerOf(running);
    expect(key).toBe(firstKey);
    const result = await ask(url, key, `/v1/jobs/${jobId}/result`);
    expect(result).toEqual({ status: 200, body: '{"hello":"world"}' });

    const port = new URL(url).port;
    const env = { RINGBACK_DATA_DIR: dataDir, PORT: "0" };
    const [locked, taken] = await Promise.all([
      runRingback(["serve"], env),
      runRingback(["serve"], { RINGBACK_DATA_DIR: join(dataDir, "other"), PORT: port }),
    ]);
    for (const { code, stdout, stderr } of [locked, taken]) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^ringback: .*\n$/);
    }
    expect(locked.stderr).toContain(`in use by another ringback (pid ${running.pid})`);
    expect(taken.stderr).toContain(`PORT ${port}`);
    // the one that runs was not disturbed, and nothing was made for the one that could not
    expect((await ask(url, key, "/readyz")).status).toBe(200);
    expect(readdirSync(dataDir)).not.toContain("other");

    const postgres = postgresPid();
    running.kill("SIGTERM");
    expect((await running.ended).code).toBe(0);
    expect(await waitForProcessEnd(postgres, 5_000)).toBe(true);
  });

  test("another master key is refused, and the database stopped again", async () => {
    const env = { RINGBACK_DATA_DIR: dataDir, PORT: "0" };
    const other = Buffer.alloc(32, 9).toString("base64");
    const refused = await runRingback(["serve"], { ...env, RINGBACK_MASTER_KEY: other });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /^ringback: RINGBACK_MASTER_KEY is not the one the data was sealed with \(data: key [0-9a-f]{8}; given: [0-9a-f]{8}\)\n$/,
    );
    expect(readdirSync(dataDir)).not.toContain("ringback.pid");
    expect(readdirSync(join(dataDir, "postgres"))).not.toContain("postmaster.pid");
  });

  test("its generated master key is rotated while it is stopped; a rotation that broke off goes on", async () => {
    const env = { RINGBACK_DATA_DIR: dataDir };
    const first = await serve();
    const { url, key } = bannerOf(first);
    const secret = (await ask(url, key, "/v1/signing-secret?origin=https://a.test")).body;
    const before = fileText("master-key");
    const elsewhere = { RINGBACK_DATA_DIR: join(dataDir, "nowhere") };
    const none = await runRingback(["keys", "rotate", "master"], elsewhere);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ringback: .*nowhere/) });
    expect(readdirSync(dataDir)).not.toContain("nowhere");
    const busy = await runRingback(["keys", "rotate", "master"], env);
    expect(busy).toMatchObject({ code: 1, stderr: expect.stringContaining("in use") });
    expect(fileText("master-key")).toBe(before);
    first.kill("SIGTERM");
    expect((await first.ended).code).toBe(0);

    // as far as one came that was killed before it sealed anything
    renewMasterKey(dataDir);
    const begun = fileText("master-key");
    expect([begun, fileText("master-key-previous")]).toEqual([
      expect.not.stringContaining(before),
      before,
    ]);
    const second = await serve();
    second.kill("SIGTERM");
    expect((await second.ended).code).toBe(0);

    const { code, stdout } = await runRingback(["keys", "rotate", "master"], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+ rows were sealed anew\.\n0 rows remain /);
    expect(fileText("master-key")).toBe(begun);
    expect(statSync(join(dataDir, "master-key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir).filter((name) => name.startsWith("master-key"))).toEqual([
      "master-key",
    ]);
    const third = await serve();
    const now = bannerOf(third);
    expect((await ask(now.url, now.key, "/v1/signing-secret?origin=https://a.test")).body).toEqual(
      secret,
    );
    third.kill("SIGTERM");
    await third.ended;
  }, 90_000);

  test("killed, it is followed by one that takes over its folder and its database", async () => {
    const first = await serve();
    const orphan = postgresPid();
    first.kill("SIGKILL");
    await first.ended;
    expect(processStart(orphan)).not.toBeNull();
    const second = await serve();
    const { url, key } = bannerOf(second);
    expect(await waitForProcessEnd(orphan, 5_000)).toBe(true);
    expect((await ask(url, key, `/v1/jobs/${jobId}`)).status).toBe(200);
    const postgres = postgresPid();
    second.kill("SIGINT");
    expect((await second.ended).code).toBe(0);
    expect(await waitForProcessEnd(postgres, 5_000)).toBe(true);
  });
});

describe("a start that can't be", () => {
  const modules = new URL("../support/job-types/", import.meta.url).pathname;
  const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");

  test.each<[string, string[], Record<string, string>]>([
    ["RINGBACK_MASTERKEY", ["serve"], { RINGBACK_MASTERKEY: "hunter2" }],
    ["PORT", ["serve"], { PORT: "hunter" }],
    ["RINGBACK_MASTER_KEY", ["serve"], { DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/d" }],
    ["127.0.0.1:1/d", ["serve"], unreachable(MASTER_KEY)],
    ["127.0.0.1:1/d", ["migrate"], unreachable(MASTER_KEY)],
    ["DATABASE_URL", ["migrate"], {}],
    ["throws-at-import.ts", ["serve"], { RINGBACK_JOB_TYPES: `${modules}throws-at-import.ts` }],
    ["no-job-type.ts", ["serve"], { RINGBACK_JOB_TYPES: `${modules}no-job-type.ts` }],
    ["second-echo.ts", ["serve"], { RINGBACK_JOB_TYPES: `${modules}second-echo.ts` }],
    ["not-there.ts", ["serve"], { RINGBACK_JOB_TYPES: "./not-there.ts" }],
  ])("names %s in one line (%j)", async (name, args, env) => {
    const { code, stdout, stderr } = await runRingback(args, {
      RINGBACK_DATA_DIR: dataDir,
      PORT: "0",
      ...env,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^ringback: .*\n$/);
    expect(stderr).toContain(name);
    for (const secret of ["hunter2", MASTER_KEY]) expect(stderr).not.toContain(secret);
    expect(readdirSync(dataDir)).not.toContain("ringback.pid");
  });

  test("a role nobody knows", async () => {
    const { code, stderr } = await runRingback(["serve", "--roles", "api,cook"], {});
    expect(code).toBe(2);
    expect(stderr).toContain('"cook" is not one of api, compute, deliver');
  });

  test("an address that is not this machine's", async () => {
    const env = { HOST: "203.0.113.1", RINGBACK_DATA_DIR: dataDir };
    const { code, stderr } = await runRingback(["serve"], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ringback: can't listen on 203\.0\.113\.1:.*\n$/);
  });

  test("a server that takes the connection and is no Postgres", async () => {
    const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await runRingback(["migrate"], {
      DATABASE_URL: `postgres://u:hunter2@127.0.0.1:${port}/d`,
      RINGBACK_MASTER_KEY: MASTER_KEY,
    });
    server.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ringback: can't connect to DATABASE_URL .*\n$/);
    expect(stderr).not.toContain("hunter2");
  });
});

function unreachable(masterKey: string): Record<string, string> {
  return { DATABASE_URL: "postgres://u:hunter2@127.0.0.1:1/d", RINGBACK_MASTER_KEY: masterKey };
}
