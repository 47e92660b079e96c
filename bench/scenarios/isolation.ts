import type { Sent } from "../agents/open-loop.ts";
import type { Scenario } from "../bench.ts";
import { apiOf, untilArrived, WARM_S } from "../bench.ts";
import type { Bench } from "../bench.ts";
import { apiHeaders, messageRequests } from "../bodies.ts";
import { figure, ms } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { settleDown } from "../prepare.ts";
import type { ProductProcess } from "../product.ts";
import { latencies, quantile } from "../stats.ts";

const LANES = 100;
/** Of each lane, per second. */
const EACH = 2;
/** Of the one whose receiver hangs. */
const TO_HANGING = [EACH, 30];

export const isolationScenario: Scenario = {
  about: "100 lanes at 2 messages/s each; then the receiver of one hangs, at 2 and at 30/s for it",
  quick: false,
  async run(bench) {
    const figures = [];
    for (const rate of TO_HANGING) {
      const found = await bench.withDatabase(async (database) => {
        await settleDown(database.pool);
        await bench.receiver.call("reset");
        return await bench.withProduct(database, bench.processes, (processes) =>
          measure(bench, processes, rate),
        );
      });
      figures.push(found);
    }
    return figures;
  },
};

/** Lanes of one turn, in the order they are sent to: lane 0 as often as it takes, spread evenly. */
function turn(toHanging: number): number[] {
  const times = toHanging / EACH;
  const others = Array.from({ length: LANES - 1 }, (_, n) => n + 1);
  const before = (n: number): number => Math.floor((n * others.length) / times);
  return Array.from({ length: times }, (_, n) => [
    0,
    ...others.slice(before(n), before(n + 1)),
  ]).flat();
}

async function measure(
  bench: Bench,
  processes: readonly ProductProcess[],
  toHanging: number,
): Promise<Omit<Figure, "scenario">> {
  const { client, receiver, fixture, sizes } = bench;
  const lanes = turn(toHanging);
  const rate = lanes.length * EACH;
  // request n is for lane lanes[n % lanes.length]
  const bodies = lanes.map((n) => messageRequests(fixture.endpoints[n]!.eventType, 1)[0]!);
  const send = (label: string, seconds: number): Promise<Sent> =>
    client.call("openLoop", {
      url: `${apiOf(processes)}/v1/messages`,
      headers: apiHeaders(fixture.lanes.apiKey),
      connections: 64,
      rate,
      // whole turns, so that each phase begins with the same lane
      seconds: (Math.ceil((seconds * rate) / lanes.length) * lanes.length) / rate,
      bodies,
      label,
    });
  const warm = await send("warm", WARM_S);
  await untilArrived(bench, warm.keys.length);
  const before = await send("before", sizes.seconds);
  const sentBefore = warm.keys.length + before.keys.length;
  await untilArrived(bench, sentBefore);

  await receiver.call("hang", new URL(fixture.endpoints[0]!.url).pathname);
  const during = await send("during", sizes.seconds);
  const other = (n: number): boolean => lanes[n % lanes.length] !== 0;
  await untilArrived(bench, sentBefore + during.keys.filter((_, n) => other(n)).length);
  const arrivals = await receiver.call("arrivals");
  // what hangs is let go, so that the product can stop
  await receiver.call("reset");

  const [without, beside] = [before, during].map((sent) => latencies(sent, arrivals, other));
  const [least, took] = [quantile(without!, 0.99), quantile(beside!, 0.99)];
  bench.tell(`${toHanging}/s to the one: p99 of the others ${ms(took)}, before ${ms(least)}`);
  return figure({
    variant: `p99 of the other 99, ${toHanging}/s to the one`,
    measured: ms(took),
    ceiling: `${ms(least)} without`,
    ratio: took / least,
    goal: { atMost: 1.2 },
    detail: {
      samples: beside!.length,
      p50_ms: quantile(beside!, 0.5),
      p50_without_ms: quantile(without!, 0.5),
    },
  });
}
