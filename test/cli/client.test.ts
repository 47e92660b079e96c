import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import type { SigningKeys } from "../../src/client/openapi-types.ts";
import { parseId } from "../../src/core/ids.ts";
import { memberTexts } from "../../src/core/json-text.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { endProcess, runRingback, startRingback } from "../support/ringback-process.ts";
import { startServer, urlOf } from "./cli.ts";
import type { Json, TestServer } from "./cli.ts";

let server: TestServer;
let receiver: Receiver;
let folder: string;
const run: TestServer["run"] = async (...given) => await server.run(...given);

beforeAll(async () => {
  [server, receiver] = await Promise.all([startServer(), startReceiver()]);
  folder = mkdtempSync(path.join(tmpdir(), "ringback-cli-"));
});
afterAll(async () => {
  await server?.stop();
  await receiver?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Tries again until a list holds so many. */
async function untilListed(args: string, count: number): Promise<Json[]> {
  const deadline = performance.now() + 15_000;
  for (;;) {
    const { data } = (await run(`${args} --json`)).json();
    if (data.length >= count) return data;
    if (performance.now() > deadline) throw new Error(`${args}: ${data.length} of ${count}`);
  }
}

describe("jobs", () => {
  test("the real program submits, waits and prints the job with its result", async () => {
    const args = ["jobs", "submit", "demo.echo", "hello=world", "--wait", "30"];
    const { code, stdout, stderr } = await runRingback(args, server.env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^job_\w{26} {2}completed\n/);
    expect(stdout).toContain('\n{\n  "hello": "world"\n}\n');
    const result = await run(`jobs result ${/^job_\w+/.exec(stdout)![0]} --json`);
    expect(result).toMatchObject({ code: 0, stdout: '{\n  "hello": "world"\n}\n' });
  });

  test("input comes from fields, files and standard input", async () => {
    const file = path.join(folder, "input.json");
    writeFileSync(file, '{"a": 1, "b": {"c": null}}');
    const text = path.join(folder, "text.csv");
    writeFileSync(text, "a,b\n1,2\n");
    const submit = async (rest: string, stdin = "") =>
      (await run(`jobs submit demo.echo --json --wait 20 ${rest}`, { stdin })).json()["result"];
    expect(await submit(`--input @${file} b:=[2] d=5`)).toEqual({ a: 1, b: [2], d: "5" });
    expect(await submit(`csv=@${text} json:=@${file}`)).toEqual({
      csv: "a,b\n1,2\n",
      json: { a: 1, b: { c: null } },
    });
    expect(await submit("--input -", '["from", "stdin"]')).toEqual(["from", "stdin"]);
    expect(await submit("--input '{\"x\":1}'")).toEqual({ x: 1 });
  });

  test("M7: input and data go as they are written, and are shown so", async () => {
    const text = '{ "9": 1.0, "1": 12345678901234567890 }';
    const stored = async (command: string, stdin = "") => {
      const { id } = (await run(`jobs submit demo.echo --json ${command}`, { stdin })).json();
      const headers = { authorization: `Bearer ${server.env["RINGBACK_API_KEY"]}` };
      const answer = await fetch(`${server.url}/v1/jobs/${id}`, { headers });
      return memberTexts(await answer.text());
    };
    expect((await stored("--input -", text)).get("input")).toBe(
      '{"9":1.0,"1":12345678901234567890}',
    );
    const mixed = await stored("a:=1.0 --input - --metadata n:=1e3", text);
    expect(mixed.get("input")).toBe('{"1":12345678901234567890,"9":1.0,"a":1.0}');
    expect(mixed.get("metadata")).toBe('{"n":1e3}');
    const published = await run("messages publish own.digits --data -", { stdin: text });
    expect(published.stdout).toContain('"data":{"9":1.0,"1":12345678901234567890}');
    const { id } = (await run("jobs submit demo.echo n:=-0 --metadata m:=0.10 --json")).json();
    expect((await run(`jobs get ${id}`)).stdout).toContain('{"m":0.10}');
    expect((await run(`jobs get ${id} --json`)).stdout).toContain('"n": -0\n');
  });

  test("a callback is called, for the events that are asked for, with the metadata", async () => {
    const { code } = await run(
      `jobs submit demo.echo --callback ${receiver.url}/hook --events job.completed --metadata order=A-1 tier:=2`,
    );
    expect(code).toBe(0);
    const call = await receiver.waitFor(({ path: where }) => where === "/hook", 15_000);
    const event = JSON.parse(call.body.toString()) as {
      type: string;
      data: { job_id: string; metadata: unknown };
    };
    expect(event.type).toBe("job.completed");
    expect(event.data.metadata).toEqual({ order: "A-1" });
    const timeline = await run(`jobs timeline ${event.data.job_id}`);
    expect(timeline.stdout).toMatch(/ accepted [^]* finished +completed [^]* delivery /);
  });

  test("the same idempotency key makes one job", async () => {
    const submit = "jobs submit demo.echo --idempotency-key once-1 --json";
    const [one, other] = [await run(submit), await run(submit)];
    expect(one.json().id).toBe(other.json().id);
  });

  test("a job that fails ends with 1, one that takes too long with 124", async () => {
    const failed = await run("jobs submit demo.fail message=boom --wait");
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain("demo_failed: boom");
    const late = await run("jobs submit demo.sleep ms=60000 --wait 0.2 --json");
    expect(late.code).toBe(124);
    const id = late.json().id;
    expect(late.stderr).toContain(`ringback jobs wait ${id}`);
    expect((await run(`jobs wait ${id} --timeout 0.1`)).code).toBe(124);

    const wrong = await run("jobs submit demo.sleep ms=soon");
    expect(wrong.code).toBe(6);
    expect(wrong.stderr).toContain("/input/ms: must be a number, not a string");
    expect(wrong.stderr).toContain("(what is no text is given as JSON: ms:=…)");
    const early = await run(`jobs result ${id}`);
    expect([early.code, early.stdout]).toEqual([6, ""]);
    expect(early.stderr).toContain("It has a result once it has completed");

    const canceled = await run(`jobs cancel ${id} --json`);
    expect(canceled.code).toBe(0);
    expect((await run(`jobs wait ${id} --timeout 20`)).code).toBe(1);
    expect((await run(`jobs get ${id} --json`)).json()["status"]).toBe("canceled");
    const again = await run(`jobs cancel ${id}`);
    expect(again.code).toBe(6);
    expect(again.stderr).toMatch(/^ringback: .*\n {2}\(job_finished, request [\w-]+\)\n$/);
    expect((await run(`jobs result ${id}`)).code).toBe(6);
  });

  test("Ctrl-C ends the wait, not the job", async () => {
    const waiting = server.start("jobs submit demo.sleep ms:=60000 --wait", { tty: 80 });
    await waiting.wrote("running");
    waiting.interrupt();
    expect((await waiting.ended).code).toBe(130);
    const [job] = await untilListed("jobs list --status running --type demo.sleep", 1);
    expect((await run(`jobs cancel ${job!["id"]}`)).code).toBe(0);
  });

  test("activity follow a job to its end, a line of JSON each", async () => {
    const { id } = (await run("jobs submit demo.sleep ms:=1500 --json")).json();
    const { code, stdout } = await run(`jobs activity ${id} --json`);
    expect(code).toBe(0);
    const types = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types.at(-1)).toBe("job.completed");
  });

  test("lists go over pages, and on from a cursor", async () => {
    const all = (await run("jobs list --limit 5 --json")).json();
    expect(all.data).toHaveLength(5);
    const first = (await run("jobs list --limit 2 --json")).json();
    const rest = (
      await run(`jobs list --limit 3 --cursor ${first.next_cursor ?? ""} --json`)
    ).json();
    expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(all.data.map(({ id }) => id));
    const none = await run("jobs list --type no.such --since 1h");
    expect(none).toMatchObject({ code: 0, stdout: "", stderr: "There are none.\n" });
    const failed = await run("jobs list --status failed --since 2h");
    expect(failed.stdout).toMatch(/^ID +TYPE +STATUS/);
    expect(failed.stdout).toContain("demo_failed");
  });
});

describe("what verifies webhooks", () => {
  test("secrets of origins are told by name, and rotated all at once", async () => {
    const told = await run("signing secret https://Partner.example:443/hooks --json");
    const { secret } = told.json();
    expect(told.json()).toMatchObject({
      secret: expect.stringMatching(/^whsec_/),
      origin: "https://partner.example",
    });
    expect((await run("signing secret https://partner.example")).stdout).toBe(
      `${String(secret)}\n`,
    );
    expect((await run("signing key")).stdout).toMatch(/^whpk_\S+\n$/);
    const rotated = await run("signing rotate --overlap-s 60");
    expect(rotated.stdout).toMatch(/^The old secrets sign as well until 2\S+Z\.\n$/);
    expect((await run("signing secret https://partner.example")).stdout).not.toContain(secret);
    const none = await run("signing secret partner.example");
    expect(none.code).toBe(6);
    expect(none.stderr).toContain("must begin with https:// or http:// and a host");
  });

  test("a job says where its callbacks' secrets are", async () => {
    const url = `${receiver.url}/how`;
    const { stdout } = await run(`jobs submit demo.echo a=b --callback ${url}`);
    expect(stdout).toContain(`verified by  ringback signing secret ${receiver.url}\n`);
  });

  test("a callback is signed with a secret of its own, read from a file", async () => {
    const file = path.join(folder, "callback-secret");
    const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
    writeFileSync(file, `${secret}\n`);
    const url = `${receiver.url}/own-secret`;
    const submit = `jobs submit demo.echo --callback ${url} --callback-secret`;
    const { stdout } = await run(`${submit} @${file}`);
    expect(stdout).toContain("verified by  the callback's own secret\n");
    const call = await receiver.waitFor(({ path: where }) => where === "/own-secret", 15_000);
    expect(() => new Webhook(secret).verify(call.body, call.headers)).not.toThrow();
    const lost = await run(`jobs submit demo.echo --callback-secret @${file}`);
    expect(lost.code).toBe(2);
    expect(lost.stderr).toContain("--callback-secret goes with --callback");
  });
});

describe("an endpoint that fails", () => {
  test("its limits are set, its health is shown, and what it missed is sent", async () => {
    const url = `${receiver.url}/ends`;
    const fields =
      "--retry-delays-s 5,300 --final-status 400,404 --give-up-after-s 7200 --no-disable-after-s";
    const made = await run(`endpoints create ${url} --events ends.cli ${fields} --json`);
    const id = made.json()["id"];
    expect(made.json()).toMatchObject({
      retry: { max_attempts: 3, delays_s: [5, 300] },
      final_status: [400, 404],
      give_up_after_s: 7_200,
      disable_after_s: null,
    });
    const shown = (await run(`endpoints get ${id}`)).stdout;
    for (const text of ["3 attempts, waits 5, 300 s", "400, 404", "2 hours", "never", "healthy"]) {
      expect(shown).toContain(text);
    }
    const reset = "--no-final-status --disable-after-s 864000 --max-attempts 4";
    expect((await run(`endpoints update ${id} ${reset} --json`)).json()).toMatchObject({
      retry: { max_attempts: 4, base_s: 5 },
      final_status: [],
      disable_after_s: 864_000,
    });
    expect((await run(`endpoints create ${url} --retry-delays-s 5,soon`)).code).toBe(2);

    expect((await run(`endpoints disable ${id}`)).stdout).toContain("it was asked for");
    await run("messages publish ends.cli n=1");
    expect((await run(`endpoints get ${id}`)).stdout).toMatch(/skipped +1 since /);
    expect((await run(`endpoints send-missed ${id}`)).code).not.toBe(0);
    const dry = (await run(`endpoints send-missed ${id} --dry-run`)).stdout;
    expect(dry).toContain("1 would be sent");
    await run(`endpoints enable ${id}`);
    const sent = await run(`endpoints send-missed ${id} --json`);
    expect(sent.json()).toMatchObject({ action: "send_missed", replayed: 1 });
    const gone = await run(`endpoints delete ${id} --discard-dead-letters --json`);
    expect(gone.json()).toEqual({ id, deleted: true });
  });
});

describe("endpoints and messages", () => {
  test("an event is found by what is in hand, and tells who got it and who did not", async () => {
    const deaf = await run(
      `endpoints create ${receiver.url}/deaf --description Deaf --events never.sent --json`,
    );
    const event = "messages publish find.me street=Needle --metadata order=A-10019 --json";
    const { id } = (await run(event)).json();
    const search = await run("search order=A-10019");
    expect(search.stdout).toContain(`${id}  metadata`);
    expect((await run("search order=A-10019 --json")).json()["hits"]).toHaveLength(1);
    const nothing = await run("search A-99999");
    expect([nothing.code, nothing.stdout]).toEqual([0, ""]);
    expect(nothing.stderr).toMatch(/^No match: looked at .*\nWithin bodies: .*--text "A-99999"\n$/);

    for (const filter of ["--type find.me", "--type find.me,find.other", "--text Needle"]) {
      const listed = await run(`messages list ${filter} --json`);
      expect([filter, listed.json().data.map((row) => row.id)]).toEqual([filter, [id]]);
    }
    expect((await run("messages list --type !find.me --text Needle --json")).json().data).toEqual(
      [],
    );
    expect((await run("messages list --type find.me")).stdout).toContain("none");
    expect((await run("messages list --type a,,b")).code).not.toBe(0);
    const shown = await run(`messages show ${id}`);
    expect(shown.stdout).toMatch(
      /Without a delivery\nENDPOINT.*\nep_\w+ {2}Deaf {2}Its events, as/,
    );
    expect((await run(`endpoints delete ${deaf.json().id}`)).code).toBe(0);

    const job = (await run("jobs submit demo.echo a=1 --wait 20 --json")).json();
    const other = (await run("jobs submit demo.echo a=1 --metadata order=A-7 --json")).json();
    const byPair = await run("jobs list --metadata order=A-7 --json");
    expect(byPair.json().data.map((row) => row.id)).toEqual([other.id]);
    expect((await run("messages list --metadata order=A-10019 --json")).json().data).toHaveLength(
      1,
    );
    const untold = await run(`messages list --job-id ${job.id}`);
    expect(untold.stderr).toContain(
      "Without a receiver, so without a message: job.started, job.completed",
    );
  });

  test("the life of an endpoint", async () => {
    const url = `${receiver.url}/endpoint`;
    const made = (
      await run(
        `endpoints create ${url} --events invoice.paid,job.failed --header x-tenant=blue --ordered --rate-limit 50 --max-attempts 2 --retry-base-s 0.1 --json`,
      )
    ).json();
    expect(made).toMatchObject({
      events: ["invoice.paid", "job.failed"],
      headers: { "x-tenant": "blue" },
      ordered: true,
      rate_limit_per_s: 50,
      retry: { max_attempts: 2, base_s: 0.1 },
    });
    const id = made.id;
    const shown = await run(`endpoints get ${id}`);
    expect(shown.stdout).toMatch(new RegExp(`^${id} {2}healthy\n(?:.*\n)*rate limit +50 per s\n`));
    expect(shown.stdout).not.toContain("whsec_");
    expect((await run("endpoints list")).stdout).toContain(id);

    const changed = await run(`endpoints update ${id} --all-events --no-rate-limit --json`);
    expect(changed.json()).toMatchObject({ events: [], rate_limit_per_s: null, ordered: true });
    expect((await run(`endpoints update ${id}`)).code).toBe(2);

    const secret = (await run(`endpoints secret ${id}`)).stdout.trim();
    expect(secret).toBe(made["secret"]);
    const rotated = await run(`endpoints rotate-secret ${id} --overlap-s 60`);
    expect(rotated.stdout).toMatch(/^whsec_/);
    expect(rotated.stdout.trim()).not.toBe(secret);

    const published = await run("messages publish invoice.paid invoice=I-1 amount:=42 --json");
    expect(published.json()["deliveries"]).toHaveLength(1);
    const call = await receiver.waitFor(({ path: where }) => where === "/endpoint", 15_000);
    expect(JSON.parse(call.body.toString())).toMatchObject({
      data: { invoice: "I-1", amount: 42 },
    });
    const lines = ['{"type":"invoice.paid","data":{"n":1}}', "", '{"type":"job.own","data":{}}'];
    const many = await run("messages publish-many -", { stdin: lines.join("\n") });
    expect(many.code).toBe(6);
    expect(many.stdout).toMatch(/^line 2: 422 event_reserved: .*\n1 published, 1 refused\n$/);
    const broken = await run("messages publish-many -", { stdin: "{" });
    expect([broken.code, broken.stderr]).toEqual([2, "ringback: line 1 is no JSON object\n"]);
    const message = await run(`messages get ${published.json().id}`);
    expect(message.stdout).toContain('"amount":42');

    expect((await run(`endpoints pause ${id} --json`)).json()["state"]).toBe("paused");
    expect((await run(`endpoints pause ${id}`)).stdout).toContain("paused");
    expect((await run(`endpoints resume ${id} --json`)).json()["state"]).toBe("active");
    expect((await run(`endpoints enable ${id} --json`)).json()["state"]).toBe("active");
    const tested = await run(`endpoints test ${id}`);
    expect([tested.code, tested.stderr]).toEqual([0, ""]);
    expect(tested.stdout).toMatch(/^dlv_\w{26} {2}delivered\nevent +endpoint\.test\n/);
    expect(tested.stdout).toMatch(/^< +200$/m);
    receiver.respond(503);
    const down = await run(`endpoints test ${id} --json`);
    expect(down.code).toBe(1);
    expect(down.json()).toMatchObject({ status: "dead", attempts: [{ status_code: 503 }] });
    receiver.respond(200);
    expect((await run(`endpoints delete ${id} --json`)).json()).toEqual({ id, deleted: true });
    expect((await run(`endpoints get ${id}`)).code).toBe(5);
  });
});

describe("deliveries, dead letters and replays", () => {
  test("from a receiver that fails to a replay of all", async () => {
    receiver.respond(500);
    const made = await run(
      `endpoints create ${receiver.url}/fails --events bill.due --max-attempts 1 --json`,
    );
    const endpoint = made.json().id;
    for (const number of [1, 2, 3]) await run(`messages publish bill.due n:=${number}`);
    const letters = await untilListed(`dead-letters list --endpoint-id ${endpoint}`, 3);

    const groups = await run(`dead-letters groups --endpoint-id ${endpoint} --json`);
    expect(groups.json().data).toMatchObject([{ reason: "exhausted", count: 3, more: false }]);
    const shown = await run(`deliveries show ${letters[0]!.id} --full`);
    expect(shown.stdout).toMatch(/dead\n(?:.*\n)*dead +exhausted/);
    expect(shown.stdout).toContain(">  webhook-id: msg_");
    expect((await run("deliveries list --status dead --event-type bill.due")).stdout).toContain(
      letters[0]!.id,
    );

    const tried = `deliveries list --endpoint-id ${endpoint} --status-class 5xx --json`;
    expect((await run(`${tried} --min-attempts 1`)).json().data).toHaveLength(3);
    expect((await run(`${tried} --min-attempts 2`)).json().data).toEqual([]);

    const [first, second, third] = letters.map(({ id }) => id);
    const discarded = await run(`dead-letters discard ${first} --note 'was a test' --json`);
    expect(discarded.json()).toMatchObject({ action: "discard", matched: 1, replayed: 1 });
    expect(
      (await run(`dead-letters list --endpoint-id ${endpoint} --json`)).json().data,
    ).toHaveLength(2);
    expect(
      (await run(`dead-letters list --discarded --endpoint-id ${endpoint} --json`)).json().data,
    ).toMatchObject([{ id: first }]);

    receiver.respond(200);
    const dry = await run(`replay --filter endpoint-id=${endpoint} since=1h --dry-run`);
    expect(dry.stdout).toContain("2 would be sent again");
    expect((await run(`deliveries replay ${second} --json`)).json()["status"]).toBe("pending");
    const replayed = await run(`dead-letters replay ${third}`);
    expect(replayed.stdout).toMatch(/^rpl_\w{26} {2}completed {2}1 of 1 sent again\n/);
    await untilListed(`deliveries list --status delivered --endpoint-id ${endpoint}`, 2);

    const again = await run(
      `replay --filter status=delivered --filter endpoint_id=${endpoint} --detach --json`,
    );
    expect(again.json()["matched"]).toBe(2);
    await run(`endpoints pause ${endpoint}`);
    await run(`messages publish --type bill.due --data {}`);
    const canceled = await run(`deliveries cancel --filter endpoint_id=${endpoint}`);
    expect(canceled.stdout).toMatch(/completed {2}\d of \d canceled\n/);
    const id = again.json().id;
    expect((await run("replays list")).stdout).toContain(id);
    expect((await run(`replays get ${id} --json`)).json().id).toBe(id);
  });

  test("a delivery says what holds it back, and an endpoint has one status", async () => {
    const made = await run(`endpoints create ${receiver.url} --events held.cli --json`);
    const endpoint = made.json().id;
    await run(`endpoints pause ${endpoint}`);
    const message = (await run("messages publish held.cli --json")).json();
    const [{ id }] = message["deliveries"] as [{ id: string }];
    const shown = (await run(`deliveries show ${id}`)).stdout;
    expect(shown).toMatch(new RegExp(`^${id} {2}held\n`));
    expect(shown).toMatch(
      /^held +endpoint paused since .* UTC .*; the endpoint is paused; 1 wait$/m,
    );
    expect(shown).not.toContain("next attempt");
    const filter = `deliveries list --status held --endpoint-id ${endpoint}`;
    expect((await run(filter)).stdout).toMatch(new RegExp(`${id} +held .* endpoint paused`));
    for (const status of ["paused", "healthy"]) {
      expect((await run(`endpoints get ${endpoint}`)).stdout).toMatch(
        new RegExp(`^${endpoint} {2}${status}\n`),
      );
      const row = new RegExp(` ${status} .* ${endpoint}$`, "m");
      expect((await run("endpoints list --limit 200")).stdout).toMatch(row);
      await run(`endpoints resume ${endpoint}`);
    }
    await untilListed(`deliveries list --status delivered --endpoint-id ${endpoint}`, 1);
    expect((await run(`deliveries show ${id}`)).stdout).not.toMatch(/^held/m);
    expect((await run(`${filter} --json`)).json().data).toEqual([]);
  });

  test("L2: of many attempts the last are shown, and pages lead to the others", async () => {
    await run("endpoints create http://127.0.0.1:9/ --events own.many");
    const message = (await run("messages publish own.many --json")).json();
    const [{ id }] = message["deliveries"] as [{ id: string }];
    await server.database.pool.query(
      `with more as (
         insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
           request_headers, response_headers, response_body, response_truncated, manual)
         select $1, n, gen_random_uuid(), now(), 1, 500, '{}', '{}', '', false, false
         from generate_series(1001, 1120) n)
       update deliveries set attempt_count = 1120, status = 'canceled', next_attempt_at = null,
         finished_at = now() where id = $1`,
      [parseId("delivery", id)],
    );
    const shown = await run(`deliveries show ${id}`);
    expect(shown.stdout).toMatch(/^ *1071 /m);
    expect(shown.stdout).not.toMatch(/^ *1070 /m);
    const [, rest] = /There are older attempts: ringback (.*)/.exec(shown.stderr)!;
    const older = (await run(`${rest} --limit 70 --json`)).json().data;
    expect(older.map(({ number }) => number)).toEqual(
      Array.from({ length: 70 }, (_, n) => 1_070 - n),
    );
    expect((await run(`deliveries attempts ${id} --limit 2`)).stdout).toMatch(
      /^ *1120 .*\n *1119 .*\n$/m,
    );
  });

  test("Ctrl-C cancels what is left of a replay", async () => {
    const api = startRingback(["serve", "--roles", "api"], server.settings);
    const url = await urlOf(api);
    // nobody carries it out meanwhile
    server.process.kill("SIGSTOP");
    try {
      const replay = server.start(`replay --filter status=delivered --url ${url}`, { tty: 80 });
      await replay.wrote(/0 of \d+/);
      replay.interrupt();
      const { code, stderr } = await replay.ended;
      expect(code).toBe(130);
      expect(stderr).toMatch(/Canceled rpl_\w{26}: 0 of \d+ were done before\.\n$/);
      const [last] = (await run(`replays list --limit 1 --json --url ${url}`)).json().data;
      expect(last!["status"]).toBe("canceled");
    } finally {
      server.process.kill("SIGCONT");
      await endProcess(api);
    }
  });

  test("all dead letters are taken only when that is said", async () => {
    const { code, stderr } = await run("replay");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "ringback: say which by --filter or ids, or --all to replay every dead letter\n",
    });
    const counted = (await run("replay --all --dry-run --json")).json();
    expect(counted).toMatchObject({ dry_run: true, replayed: 0 });
    expect((await run(`replays cancel ${counted.id}`)).code).toBe(6);
  });
});

describe("what is going on", () => {
  test("status and stats", async () => {
    const status = await run("status");
    expect(status.stdout).toMatch(
      /^jobs +\d+ pending.*\n(?:.*\n)*workers +1 alive \(1 compute, 1 deliver\), 0 silent\n$/,
    );
    expect((await run("status --json")).json()["workers"]).toMatchObject({ alive: 1, silent: 0 });
    const stats = (await run("stats --since 1h --step 5m --json")).json();
    expect(stats["step_s"]).toBe(300);
    expect((await run("stats --since 1h")).code).toBe(0);
  });

  test("job types, by name too", async () => {
    expect((await run("job-types --names")).stdout.split("\n")).toContain("demo.echo");
    expect((await run("job-types csv.summary --json")).json()).toHaveProperty("input_schema");
    expect((await run("job-types no.such")).code).toBe(5);
  });

  test("activity of the account, filtered, until Ctrl-C", async () => {
    const activity = server.start("activity --types job.completed --json");
    await activity.wrote("Listening");
    await run("jobs submit demo.echo --wait 20");
    await activity.wrote('"type":"job.completed"');
    activity.interrupt();
    const { code, stdout } = await activity.ended;
    expect(code).toBe(130);
    expect(stdout).not.toContain("job.started");
  });
});

describe("keys", () => {
  test("the signing key is shown and rotated", async () => {
    const shown = await run("keys signing");
    expect(shown.stdout).toMatch(
      /^KEY +KID +PUBLIC KEY +FROM +UNTIL\ncurrent +[\w-]{43} +whpk_\S+ /,
    );
    expect(shown.stderr).toMatch(/http\S+\/v1\/accounts\/acc_\w+\/jwks\.json/);
    const rotated = await run("keys rotate signing --overlap-s 60 --activate-in-s 30 --json");
    const { kid, next, expires_at } = rotated.json() as unknown as SigningKeys;
    expect(Date.parse(expires_at!) - Date.parse(next!.not_before)).toBe(60_000);
    const both = (await run("keys signing")).stdout.trim().split("\n");
    expect(both.slice(1).map((line) => line.split(/ +/).slice(0, 2))).toEqual([
      ["next", next!.kid],
      ["current", kid],
    ]);
    expect((await run("keys rotate signing --overlap-s -1")).code).toBe(2);
    expect((await run("keys rotate signing --account acme")).code).toBe(2);
  });

  test("are made, listed and revoked; a lesser one may do less", async () => {
    const made = await run("keys create --scopes jobs --name ci");
    expect(made.stdout).toMatch(/^rk_[\w-]+\n$/);
    const env = { RINGBACK_API_KEY: made.stdout.trim() };
    expect((await run("jobs list", { env })).code).toBe(0);
    const refused = await run("endpoints list", { env });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("scope_missing");

    const { data } = (await run("keys list --json")).json();
    const key = data.find(({ name }) => name === "ci")!;
    expect((await run(`keys revoke ${key.id}`)).stdout).toBe(`${key.id} is revoked.\n`);
    const revoked = await run("keys list");
    expect(revoked.stdout).toMatch(/ci +jobs .*(?:now|ago)/);
    expect((await run("keys create --scopes jobs --account acme")).code).toBe(5);
    expect((await run("keys create --scopes root")).code).toBe(6);
  });
});

describe("what goes wrong", () => {
  test.each<[string, number, string | RegExp]>([
    ["jobs submit", 2, "missing required argument 'type'"],
    ["jobs list --status nope", 2, /Allowed choices are pending, running/],
    ["jobs list --since yesterday", 2, '"yesterday" is no time'],
    ["jobs submit demo.echo nonsense", 2, '"nonsense" is no field'],
    ["jobs submit demo.echo n:=1,2", 2, "n is not JSON"],
    ["jobs submit demo.echo --input @/no/such/file", 2, "can't read /no/such/file"],
    ["jobs submit demo.echo --events job.failed", 2, "--events goes with"],
    ["replay --filter nonsense", 2, '"nonsense" is no filter'],
    ["jobs submit no.such", 6, 'There is no job type "no.such"'],
    [
      "replay --filter reason=bad status=dead colour=red",
      6,
      /\/filter\/reason[^]*\/filter\/colour/,
    ],
    ["jobs get job_1", 6, "must be an id of the form job_…"],
    ["jobs list --api-key rk_wrong_wrong_wrong_wrong", 4, "RINGBACK_API_KEY"],
    ["jobs list --url http://127.0.0.1:9", 3, "is the server running"],
    ["jobs list --url ftp://x", 2, "--url must be an http(s) URL"],
  ])("%s ends with %i", async (args, code, expected) => {
    const ran = await run(args);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe("");
    expect(ran.stderr).toMatch(/^ringback: /);
    expect(ran.stderr).toMatch(expected);
    expect(ran.stderr).not.toContain("rk_");
  });

  test("without a key the way to give one is told", async () => {
    const env = { RINGBACK_API_KEY: undefined, RINGBACK_DATA_DIR: folder };
    const ran = await run("jobs list", { env });
    expect(ran.code).toBe(4);
    expect(ran.stderr).toMatch(
      /^ringback: no API key for http:.*--api-key or RINGBACK_API_KEY \(.*makes one\)\n$/,
    );
  });

  test("the key of a data folder is used for this machine only", async () => {
    writeFileSync(path.join(folder, "api-key"), `${server.env["RINGBACK_API_KEY"]}\n`);
    const env = { RINGBACK_API_KEY: undefined, RINGBACK_DATA_DIR: folder };
    expect((await run("jobs list", { env })).code).toBe(0);
    const elsewhere = await run("jobs list --url http://ringback.invalid", { env });
    expect(elsewhere.code).toBe(4);
  });
});
