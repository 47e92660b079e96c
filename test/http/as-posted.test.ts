import { once } from "node:events";
import { WebSocket } from "ws";
import { memberTexts } from "../../src/core/json-text.ts";
import { createRandomJson } from "../support/random-json.ts";
import { startReceiver, verify, type Receiver } from "../support/receiver.ts";
import { startApi, type TestApi } from "./api.ts";

let api: TestApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});

const JSON_TYPE = { "content-type": "application/json" };
const ODD =
  '{"z":1,"2":"two","1":"one","id":12345678901234567890,"f":1.0,"e":1e2,"neg":-0,' +
  '"dec":0.1000000000000000055511151231257827,"t":"\\u0041\\/"}';

async function post(path: string, raw: string, headers: Record<string, string> = {}) {
  return await api.ask("POST", path, { raw, headers: { ...JSON_TYPE, ...headers } });
}

/** The members of `data` of a webhook's body, as texts. */
function dataOf(body: Buffer): Map<string, string> {
  return memberTexts(memberTexts(body.toString()).get("data")!);
}

describe("M7: what is posted comes out as it was posted", () => {
  test("the data of a message, of 300 random ones, in what is signed and sent", async () => {
    const endpoint = { url: `${receiver.url}/data`, events: ["own.data"], max_in_flight: 100 };
    const made = await api.ask("POST", "/v1/endpoints", { body: endpoint });
    const random = createRandomJson(7);
    const documents = Array.from({ length: 300 }, () => random.next(5));
    documents.push({ spaced: ` ${ODD.replace('"z":', ' "z" :\n')} `, dense: ODD });
    const wanted = new Map<string, string>();
    for (const { spaced, dense } of documents) {
      const answer = await post("/v1/messages", `{"type":"own.data", "data":${spaced} }`);
      expect(answer.status).toBe(202);
      wanted.set(String(answer.body["id"]), dense);
    }
    const requests = await receiver.waitFor(documents.length, 30_000);
    for (const request of requests) {
      verify(request, String(made.body["secret"]));
      const data = memberTexts(request.body.toString()).get("data");
      expect(data).toBe(wanted.get(request.headers["webhook-id"]!));
    }
    expect((await api.ask("DELETE", `/v1/endpoints/${String(made.body["id"])}`)).status).toBe(204);
  });

  test("input and metadata of a job, in the API, its webhooks and its activity", async () => {
    const url = `${receiver.url}/job`;
    const events = ["job.started", "job.completed"];
    const answer = await post(
      "/v1/jobs",
      `{"input": ${ODD}, "type":"demo.echo", "metadata":${ODD},
        "callbacks":[{"url":${JSON.stringify(url)},"events":${JSON.stringify(events)}}]}`,
      { prefer: "wait=10" },
    );
    expect(answer.status).toBe(200);
    const id = String(answer.body["id"]);
    const texts = [answer.text, (await api.ask("GET", `/v1/jobs/${id}`)).text];
    const list = (await api.ask("GET", "/v1/jobs?limit=1")).text;
    texts.push(/^\{"data":\[(.*)\],"next_cursor":.*\}$/s.exec(list)![1]!);
    texts.push(await stateByWebSocket(`/v1/jobs/${id}/activity`));
    texts.push(await stateBySse(`/v1/jobs/${id}/activity`));
    for (const text of texts) {
      const job = memberTexts(text);
      expect(job.get("input")).toBe(ODD);
      expect(job.get("metadata")).toBe(ODD);
      expect(job.get("input_bytes")).toBe(String(ODD.length));
    }
    for (const type of events) {
      const call = await receiver.waitFor(({ path, body }) => {
        return path === "/job" && body.includes(`{"type":"${type}"`);
      });
      expect(dataOf(call.body).get("metadata")).toBe(ODD);
    }
  });

  test("two numbers that are one to a double are two requests", async () => {
    const submit = (text: string) => post("/v1/jobs", text, { "idempotency-key": '"m7-digits"' });
    const first = await submit('{"type":"demo.echo","input":9007199254740993}');
    const spaced = await submit('{ "type": "demo.echo",\n "input": 9007199254740993 }');
    const other = await submit('{"type":"demo.echo","input":9007199254740992}');
    expect(first.status).toBe(202);
    expect(spaced.text).toBe(first.text);
    expect(spaced.headers["idempotency-replayed"]).toBe("true");
    expect(other).toMatchObject({ status: 422, body: { code: "idempotency_key_reused" } });

    const publish = (data: string) =>
      post("/v1/messages", `{"type":"own.x","data":${data}}`, { "idempotency-key": '"m7-1.0"' });
    expect((await publish('{"n":1}')).status).toBe(202);
    expect(await publish('{"n":1.0}')).toMatchObject({
      status: 422,
      body: { code: "idempotency_key_reused" },
    });
  });

  test("16 KiB of metadata are 16 KiB of what is stored", async () => {
    const metadata = (size: number) => `{"a": "${"x".repeat(size - '{"a":""}'.length)}"}`;
    const submit = (text: string) =>
      post("/v1/jobs", `{"type":"demo.echo","input":1,"metadata":${text}}`);
    expect((await submit(metadata(16_384))).status).toBe(202);
    for (const text of [metadata(16_385), `{"n":1.${"0".repeat(16_384)}}`]) {
      const refused = await submit(text);
      expect(refused).toMatchObject({ status: 422, body: { code: "validation_failed" } });
      expect(refused.body["errors"]).toMatchObject([{ pointer: "/metadata" }]);
    }
  });

  test("of equal keys the last is stored, and a body of 1 MiB is", async () => {
    const twice = await post(
      "/v1/jobs",
      '{"type":"demo.fail","type":"demo.echo","input":{"a":1.0,"a":2.0},"input":{"b":3.0,"b":4.0}}',
    );
    expect(memberTexts(twice.text).get("input")).toBe('{"b":4.0}');
    const start = '{"type":"demo.echo","input":[';
    const numbers = "1.0,".repeat((1_048_576 - start.length - 5) / 4);
    const long = await post("/v1/jobs", `${start}${numbers}1.0]}`);
    expect(long.status).toBe(202);
    expect(memberTexts(long.text).get("input")).toBe(`[${numbers}1.0]`);
  });
});

/** The job as the beginning of its stream tells it. */
async function stateByWebSocket(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${api.apiKey}` };
  const socket = new WebSocket(`ws://127.0.0.1:${api.port}${path}`, { headers });
  const frames: string[] = [];
  socket.on("message", (frame: Buffer) => frames.push(frame.toString()));
  await once(socket, "close");
  const state = frames.find((frame) => frame.includes('"type":"job.state"'))!;
  return memberTexts(memberTexts(state).get("data")!).get("job")!;
}

async function stateBySse(path: string): Promise<string> {
  const headers = { authorization: `Bearer ${api.apiKey}` };
  const response = await fetch(`http://127.0.0.1:${api.port}${path}`, { headers });
  const state = /^event: job\.state\ndata: (.*)$/m.exec(await response.text())![1]!;
  return memberTexts(state).get("job")!;
}
