import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Replay } from "../../src/core/model.ts";
import { getReplay } from "../../src/db/deliveries/replays.ts";
import { deleteEndpoint } from "../../src/flow/accounts/endpoints.ts";
import { runReplay } from "../../src/flow/deliveries/replay-steps.ts";
import { createReplay } from "../../src/flow/deliveries/replays.ts";
import type { NewReplay } from "../../src/flow/deliveries/replays.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { insertPast } from "../support/dead-letters.ts";
import { count, endpointAt, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

let t: TestContext;
let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await t.stop();
  await receiver.close();
});

async function order(destination: NewReplay["destination"] & object): Promise<Replay> {
  return await createReplay(t.context, {
    accountId: t.accountId,
    action: "replay",
    filter: { status: "dead" },
    dryRun: false,
    destination,
  });
}

const look = async ({ id }: Replay): Promise<Replay> =>
  (await getReplay(t.context.pool, t.accountId, id))!;

/** Dead letters of an endpoint that is disabled, which a copy does not mind. */
async function deadLetters(number: number): Promise<string[]> {
  const { id, laneId } = await endpointAt(t, `${receiver.url}/gone`);
  const of = { laneId, endpointId: id, url: receiver.url };
  const ids = await insertPast(
    t,
    Array.from({ length: number }, () => of),
  );
  await t.database.pool.query(
    "update endpoints set state = 'disabled', disabled_reason = 'gone' where id = $1",
    [id],
  );
  return ids;
}

const at = (path: string) => receiver.requests.filter((request) => request.path === path);

test("copies go to another endpoint or URL, each message once; the originals stay dead", async () => {
  t = await createTestContext();
  const ids = await deadLetters(30);
  const other = await endpointAt(t, `${receiver.url}/other`);
  for (const [destination, path] of [
    [{ endpoint_id: other.id }, "/other"],
    [{ url: `${receiver.url}/by-url` }, "/by-url"],
  ] as const) {
    const replays = [await order(destination), await order(destination)];
    expect(replays[0]).toMatchObject({ matched: 30, left_out: [], destination });
    await until("their ends", async () =>
      (await Promise.all(replays.map(look))).every(({ status }) => status === "completed"),
    );
    await until("all copies", () => at(path).length >= 30);
    const ends = await Promise.all(replays.map(look));
    expect(ends.reduce((sum, { replayed }) => sum + replayed, 0)).toBe(30);
    expect(new Set(at(path).map(({ headers }) => headers["webhook-id"])).size).toBe(30);
    expect(at(path)).toHaveLength(30);
    // what has got there is not copied again
    expect((await order(destination)).matched).toBe(0);
  }
  expect(await count(t, "dead_letters where delivery_id = any($1)", [ids])).toBe(30);
  expect(await count(t, "replay_items where source_id = any($1)", [ids])).toBe(60);
  await until(
    "all settled",
    async () => (await count(t, "deliveries where status = 'pending'")) === 0,
  );
  expect(await count(t, "books where not balanced")).toBe(0);
  expect(await count(t, "messages where delivery_count = 3")).toBe(30);
});

test("a destination that is deleted meanwhile stops it; one of another account is refused", async () => {
  t = await createTestContext({ worker: false });
  await deadLetters(3);
  const other = await endpointAt(t, `${receiver.url}/other`);
  const replay = await order({ endpoint_id: other.id });
  await deleteEndpoint(t.context, { accountId: t.accountId, endpointId: other.id });
  await runReplay(t.context, replay.id);
  expect(await look(replay)).toMatchObject({
    status: "stopped",
    stopped_reason: "the destination was deleted",
    replayed: 0,
  });
  await expect(order({ endpoint_id: other.id })).rejects.toMatchObject({
    code: "endpoint_unknown",
  });
  const stranger = await t.addAccount("stranger");
  const theirs = await endpointAt(
    { context: t.context, accountId: stranger.accountId },
    receiver.url,
  );
  await expect(order({ endpoint_id: theirs.id })).rejects.toMatchObject({
    code: "endpoint_unknown",
  });
});
