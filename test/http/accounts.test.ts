import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually, startDeliveryApi, type DeliveryApi } from "../support/delivery.ts";
import { startReceiver, type Receiver } from "../support/receiver.ts";

let time = 0;
let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi({ overrides: { now: () => new Date(Date.now() + time) } });
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});

type View = Record<string, unknown>;

async function make(name: string): Promise<{ id: string; key: string }> {
  const { id } = await api.must(201, "POST", "/v1/accounts", { body: { name } });
  const body = { name: "first", scopes: ["admin"] };
  const made = await api.must(201, "POST", `/v1/accounts/${String(id)}/api-keys`, { body });
  return { id: String(id), key: String(made["key"]) };
}

const change = (status: number, id: string, body: object): Promise<View> =>
  api.must(status, "PATCH", `/v1/accounts/${id}`, { body });
const names = async (query = ""): Promise<unknown[]> => {
  const { data } = await api.must(200, "GET", `/v1/accounts?limit=200${query}`);
  return (data as View[]).map(({ name }) => name);
};
/** Keys are remembered for 5 s. */
const forgetKeys = (): void => void (time += 6_000);

describe("accounts", () => {
  test("are made with keys that sign, and their own key works", async () => {
    const { id, key } = await make("made");
    expect(await api.must(200, "GET", `/v1/accounts/${id}`)).toMatchObject({
      name: "made",
      state: "active",
      current: false,
    });
    await api.must(200, "GET", "/v1/signing-key", { key });
    await api.must(202, "POST", "/v1/jobs", { key, body: { type: "demo.echo", input: 1 } });
    expect((await names())[0]).toBe("made");
    const { data } = await api.must(200, "GET", "/v1/audit-events", { key });
    expect(data).toMatchObject([{ action: "api_key.created", actor: { name: "test" } }]);
  });

  test("have names of their own, also when two are made at once", async () => {
    const both = await Promise.all(
      [1, 2].map(() => api.ask("POST", "/v1/accounts", { body: { name: "twice" } })),
    );
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409]);
    const { id } = await make("once");
    expect(await change(409, id, { name: "twice" })).toMatchObject({ code: "account_name_taken" });
    expect(await change(200, id, { name: "renamed" })).toMatchObject({ name: "renamed" });
    await make("once");
  });

  test.each([
    [{ name: "" }, "/name"],
    [{ name: "x".repeat(101) }, "/name"],
    [{ state: "deleting" }, "/state"],
    [{ reason: "unpaid" }, "/reason"],
    [{ state: "active", reason: "unpaid" }, "/reason"],
    [{ plan: "gold" }, "/plan"],
  ])("aren't changed by %j", async (body, pointer) => {
    const { data } = await api.must(200, "GET", "/v1/accounts");
    const { id } = (data as { id: string }[])[0]!;
    expect((await change(422, id, body))["errors"]).toMatchObject([{ pointer }]);
  });

  test("the server's own can't be renamed or deleted, nor that of the key suspended", async () => {
    const { data } = await api.must(200, "GET", "/v1/accounts");
    const own = (data as { id: string; current: boolean }[]).find(({ current }) => current)!.id;
    for (const body of [{ name: "other" }, { state: "suspended" }]) {
      expect(await change(409, own, body)).toMatchObject({ code: "account_state" });
    }
    await api.must(409, "DELETE", `/v1/accounts/${own}`);
    const absent = "acc_01k7va4z0yfd9st32c3wx5x2s7";
    await change(404, absent, { name: "x" });
    await api.must(404, "DELETE", `/v1/accounts/${absent}`);
    const body = { name: "x", scopes: ["jobs"] };
    await api.must(404, "POST", `/v1/accounts/${absent}/api-keys`, { body });
  });
});

describe("a suspended account", () => {
  test("accepts nothing, is read, and what was accepted is computed and delivered", async () => {
    const { id, key } = await make("late payer");
    const callbacks = [{ url: `${receiver.url}/kept` }];
    const body = { type: "demo.sleep", input: { ms: 700 }, callbacks };
    const { id: job } = await api.must(202, "POST", "/v1/jobs", { key, body });
    const suspended = await change(200, id, { state: "suspended", reason: "unpaid" });
    expect(suspended).toMatchObject({ state: "suspended", reason: "unpaid" });
    forgetKeys();
    const refused = [
      await api.ask("POST", "/v1/jobs", { key, body }),
      await api.ask("POST", "/v1/messages", { key, body: { type: "a.b", data: 1 } }),
      await api.ask("POST", "/v1/endpoints", { key, body: { url: receiver.url } }),
      await api.ask("POST", "/v1/api-keys", { key, body: { name: "x", scopes: ["jobs"] } }),
    ];
    for (const { status, body: problem } of refused) {
      expect([status, problem["code"]]).toEqual([403, "account_suspended"]);
    }
    await eventually(async () => {
      const { data } = await api.must(200, "GET", `/v1/jobs/${String(job)}/deliveries`, { key });
      return (data as View[])[0]?.["status"] === "delivered" ? true : undefined;
    }, "the delivery of a job accepted before");
    expect(await change(200, id, { state: "active" })).toMatchObject({ reason: null });
    forgetKeys();
    await api.must(202, "POST", "/v1/jobs", { key, body: { type: "demo.echo", input: 1 } });
    const { data } = await api.must(200, "GET", `/v1/audit-events?target=${id}`);
    expect((data as View[]).map(({ action }) => action)).toEqual([
      "account.resumed",
      "account.suspended",
      "account.created",
    ]);
  });
});
