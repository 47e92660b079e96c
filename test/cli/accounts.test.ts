import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { endProcess, runRingback, startRingback } from "../support/ringback-process.ts";
import { startServer, urlOf, type TestServer } from "./cli.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => await server?.stop());

describe("ringback accounts", () => {
  test("makes, renames, suspends, resumes and deletes one, by name", async () => {
    const made = (await server.run("accounts create acme --json")).json();
    expect(made).toMatchObject({ name: "acme", state: "active" });
    const key = await server.run("keys create --account acme --scopes admin --name first");
    expect(key.stdout).toMatch(/^rk_/);
    const own = { RINGBACK_API_KEY: key.stdout.trim() };
    expect((await server.run("jobs submit demo.echo", { env: own })).code).toBe(0);
    const refused = await server.run("accounts list", { env: own });
    expect(refused.stderr).toContain("scope operator");
    await server.run("accounts rename acme acme-eu");
    const suspended = await server.run("accounts suspend acme-eu --reason unpaid --json");
    expect(suspended.json()).toMatchObject({ state: "suspended", reason: "unpaid" });
    expect((await server.run("accounts list")).stdout).toMatch(/acme-eu +suspended +unpaid/);
    await server.run("accounts resume acme-eu");
    expect((await server.run(`accounts get ${made.id} --json`)).json()).toMatchObject({
      name: "acme-eu",
      state: "active",
    });
    const unsure = await server.run("accounts delete acme-eu");
    expect(unsure).toMatchObject({ code: 2, stdout: "" });
    expect(unsure.stderr).toContain("--yes");
    const deleted = await server.run("accounts delete acme-eu --yes --json");
    expect(deleted.json()).toMatchObject({ state: "deleted", deleted_rows: expect.any(Number) });
    const gone = await server.run("accounts get acme-eu");
    expect(gone).toMatchObject({ code: 5, stdout: "" });
    expect(gone.stderr).toBe('ringback: there is no account "acme-eu"\n');
  }, 60_000);
});

describe("ringback audit", () => {
  test("lists who changed what, and exports it", async () => {
    const { id } = (await server.run("endpoints create http://127.0.0.1:1/ --json")).json();
    await server.run(`endpoints update ${id} --timeout-s 9`);
    const list = await server.run(`audit list --target ${id}`);
    expect(list.stdout).toMatch(/first +endpoint\.updated .*timeout_s: 15 → 9/);
    const some = await server.run(`audit list --action endpoint.created --since 1h --json`);
    expect(some.json().data).toMatchObject([{ action: "endpoint.created", target: { id } }]);
    const csv = (await server.run(`audit export --target ${id}`)).stdout.split("\r\n");
    expect(csv).toHaveLength(4);
    const lines = (await server.run(`audit export --target ${id} --format ndjson`)).stdout;
    expect(lines.trimEnd().split("\n")).toHaveLength(2);
  });
});

test("ringback portal makes a link that shows one endpoint, lists it and ends it", async () => {
  const { id } = (await server.run("endpoints create http://127.0.0.1:1/ --json")).json();
  const flags = `--endpoint ${id} --can replay,events --events invoice.paid --title Acme`;
  const made = await server.run(`portal create ${flags} --ttl-s 120`);
  const [, token = ""] = /^http:\/\/\S+\/portal\/#(rp_\S+)\n$/.exec(made.stdout)!;
  const own = { RINGBACK_API_KEY: token };
  const partner = await fetch(`${server.env["RINGBACK_URL"]}/v1/portal-session`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await partner.json()).toMatchObject({
    endpoint_ids: [id],
    can: ["read", "replay", "events"],
    event_types: ["invoice.paid"],
    theme: { title: "Acme" },
  });
  expect((await server.run("jobs list", { env: own })).code).not.toBe(0);
  const [listed] = (await server.run("portal list --json")).json().data;
  expect(listed).toMatchObject({ endpoint_ids: [id], theme: { title: "Acme" } });
  expect((await server.run("portal list")).stdout).toMatch(/Acme +ep_\w+ +read, replay, events/);
  await server.run(`portal revoke ${listed!.id}`);
  expect((await server.run("portal list --json")).json().data).toEqual([]);
  const unknown = await server.run(`portal create --endpoint ${id} --can fly`);
  expect(unknown).toMatchObject({ stdout: "" });
  expect(unknown.stderr).toContain("/can/0");
});

test("ringback keys create --endpoint makes a key of one endpoint", async () => {
  const { id } = (await server.run("endpoints create http://127.0.0.1:1/ --json")).json();
  const key = await server.run(`keys create --scopes webhooks:read --endpoint ${id}`);
  const env = { RINGBACK_API_KEY: key.stdout.trim() };
  const { data } = (await server.run("endpoints list --json", { env })).json();
  expect(data).toMatchObject([{ id }]);
  expect((await server.run("endpoints get ep_01k7va4z0yfd9st32c3wx5x2s7", { env })).code).toBe(5);
  expect((await server.run("keys list")).stdout).toContain(id);
});

test("ringback keys create --database makes a second account in development, running or not", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "ringback-keys-"));
  const env = { RINGBACK_DATA_DIR: folder, PORT: "0" };
  const create = (): ReturnType<typeof runRingback> =>
    runRingback(["keys", "create", "--database", "--scopes", "admin", "--account", "two"], env);
  try {
    expect(await create()).toMatchObject({ code: 1, stderr: expect.stringContaining("serve") });
    const first = startRingback(["serve"], env);
    await urlOf(first);
    const beside = await create();
    expect(beside).toMatchObject({ code: 0, stderr: "" });
    await endProcess(first);
    const alone = await create();
    expect(alone).toMatchObject({ code: 0, stderr: "" });
    const again = startRingback(["serve"], env);
    const url = await urlOf(again);
    for (const { stdout } of [beside, alone]) {
      const headers = { authorization: `Bearer ${stdout.trim()}` };
      expect((await fetch(`${url}/v1/jobs`, { headers })).status).toBe(200);
    }
    await endProcess(again);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 90_000);
