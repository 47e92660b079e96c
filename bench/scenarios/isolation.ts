import type { Scenario } from "../bench.ts";
import { apiOf, untilArrived, WARM_S } from "../bench.ts";
import { apiHeaders, messageRequests } from "../bodies.ts";
import { figure, ms } from "../figure.ts";
import { settleDown } from "../prepare.ts";
import { latencies, quantile } from "../stats.ts";

const LANES = 100;
const RATE = 200;

export const isolationScenario: Scenario = {
  about: "100 lanes at 2 messages/s each; then the receiver of one hangs",
  quick: false,
  async run(bench) {
    const { client, receiver, fixture, sizes } = bench;
    return await bench.withDatabase(async (database) => {
      await settleDown(database.pool);
      await receiver.call("reset");
      return await bench.withProduct(database, bench.processes, async (processes) => {
        // request n is for lane n % LANES
        const bodies = fixture.endpoints
          .slice(0, LANES)
          .map(({ eventType }) => messageRequests(eventType, 1)[0]!);
        const send = (label: string, seconds: number) =>
          client.call("openLoop", {
            url: `${apiOf(processes)}/v1/messages`,
            headers: apiHeaders(fixture.lanes.apiKey),
            connections: 64,
            rate: RATE,
            // whole turns, so that each phase begins with the same lane
            seconds: (Math.ceil((seconds * RATE) / LANES) * LANES) / RATE,
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
        const other = (n: number): boolean => n % LANES !== 0;
        await untilArrived(bench, sentBefore + during.keys.filter((_, n) => other(n)).length);
        const arrivals = await receiver.call("arrivals");
        // what hangs is let go, so that the product can stop
        await receiver.call("reset");

        const [without, beside] = [before, during].map((sent) => latencies(sent, arrivals, other));
        const [least, took] = [quantile(without!, 0.99), quantile(beside!, 0.99)];
        bench.tell(`p99 of the others: ${ms(took)}, before ${ms(least)}`);
        return [
          figure({
            variant: "p99 of the other 99",
            measured: ms(took),
            ceiling: `${ms(least)} without`,
            ratio: took / least,
            goal: { atMost: 1.2 },
            detail: {
              samples: beside!.length,
              p50_ms: quantile(beside!, 0.5),
              p50_without_ms: quantile(without!, 0.5),
            },
          }),
        ];
      });
    });
  },
};
