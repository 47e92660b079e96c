import http, { type RequestListener } from "node:http";
import { LOOPBACK_TARGETS, NO_TARGETS, parseAllowTargets } from "../../src/core/targets.ts";
import { createGuardedFetch } from "../../src/transport/guarded-fetch.ts";
import { TargetBlockedError } from "../../src/transport/target-guard.ts";
import { startHostileReceiver, testPem } from "../support/hostile-receiver.ts";

const rules = parseAllowTargets(LOOPBACK_TARGETS);
let close: () => Promise<void> = async () => undefined;

afterEach(() => close());

async function serve(listener: RequestListener): Promise<string> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

describe("createGuardedFetch", () => {
  it("streams a response and follows redirects to permitted addresses", async () => {
    const origin = await serve((request, response) => {
      if (request.url === "/from") response.writeHead(302, { location: "/to" }).end();
      else {
        response.write("a,b\n");
        setTimeout(() => response.end("1,2\n"), 20);
      }
    });
    const response = await createGuardedFetch({ rules })(`${origin}/from`);
    expect(response).toMatchObject({ status: 200, redirected: true });
    const decoder = new TextDecoder();
    const parts: string[] = [];
    for await (const chunk of response.body ?? []) parts.push(decoder.decode(chunk));
    expect(parts).toEqual(["a,b\n", "1,2\n"]);
  });

  it("checks each hop: a redirect inwards is blocked", async () => {
    const inside = await startHostileReceiver("healthy", { host: "127.0.0.2" });
    const origin = await serve((_request, response) => {
      response.writeHead(302, { location: inside.url }).end();
    });
    const guarded = createGuardedFetch({ rules: parseAllowTargets("127.0.0.1") });
    await expect(guarded(origin)).rejects.toMatchObject({ cause: expect.any(TargetBlockedError) });
    expect(inside.connections()).toBe(0);
    await inside.close();
  });

  it("blocks names that resolve to what may not be called", async () => {
    const inside = await startHostileReceiver("tls-healthy");
    const resolve = async () => [{ address: "127.0.0.1", family: 4 as const }];
    const ca = testPem("localhost", "cert");
    const url = `https://receiver.test:${inside.port}/`;
    const guarded = createGuardedFetch({ rules: NO_TARGETS, resolve, ca });
    await expect(guarded(url)).rejects.toMatchObject({ cause: { code: "target_blocked" } });
    expect(inside.connections()).toBe(0);
    const open = createGuardedFetch({ rules, resolve, ca });
    expect(await (await open(url)).text()).toBe("received");
    await inside.close();
  });

  it("cannot be talked into another dispatcher, and takes Request objects and forms", async () => {
    const received: string[] = [];
    const origin = await serve((request, response) => {
      request.setEncoding("utf8").on("data", (chunk: string) => received.push(chunk));
      request.on("end", () => response.end(request.headers["content-type"]));
    });
    const form = new FormData();
    form.set("field", "value");
    const request = new Request(origin, { method: "POST", body: form });
    const response = await createGuardedFetch({ rules })(request);
    expect(await response.text()).toMatch(/^multipart\/form-data; boundary=/);
    expect(received.join("")).toContain("value");

    const init = { method: "GET", dispatcher: { dispatch: () => true } };
    const guarded = createGuardedFetch({ rules: NO_TARGETS });
    await expect(Reflect.apply(guarded, null, [origin, init])).rejects.toMatchObject({
      cause: { code: "target_blocked" },
    });
  });

  it("can be aborted while the body streams", async () => {
    const origin = await serve((_request, response) => void response.write("first"));
    const controller = new AbortController();
    const response = await createGuardedFetch({ rules })(origin, { signal: controller.signal });
    const text = response.text();
    controller.abort();
    await expect(text).rejects.toMatchObject({ name: "AbortError" });
  });
});
