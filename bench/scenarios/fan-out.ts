import type { Scenario } from "../bench.ts";
import { apiOf, untilArrived } from "../bench.ts";
import { apiHeaders, messageRequests } from "../bodies.ts";
import { FAN_OUT_EVENT } from "../accounts.ts";
import { drain } from "../drain.ts";
import { count, figure, perSecond } from "../figure.ts";
import { settleDown } from "../prepare.ts";

const EXTRA_S = 1;

export const fanOutScenario: Scenario = {
  about: "one message to 1,000 endpoints, until the last has it",
  quick: true,
  async run(bench) {
    const { client, receiver, fixture, sizes } = bench;
    const endpoints = fixture.endpoints.length;
    const { rate } = await bench.withDatabase((database) =>
      drain(bench, database, { deliveries: sizes.deliveries, lanes: endpoints }),
    );
    const seconds = await bench.withDatabase(async (database) => {
      await settleDown(database.pool);
      return await bench.withProduct(database, bench.processes, async (processes) => {
        const load = {
          url: `${apiOf(processes)}/v1/messages`,
          headers: apiHeaders(fixture.lanes.apiKey),
          bodies: messageRequests(FAN_OUT_EVENT, 2),
          connections: 1,
        };
        let took = NaN;
        // the first is for warmth
        for (const label of ["warm", "measured"]) {
          await receiver.call("reset");
          const sent = await client.call("openLoop", { ...load, rate: 1, seconds: 1, label });
          await untilArrived(bench, endpoints);
          const { ticks } = await receiver.call("arrivals");
          took = (ticks.at(-1)! - sent.ticks[0]!) / 1000;
        }
        return took;
      });
    });
    const allowed = endpoints / rate + EXTRA_S;
    bench.tell(`the last of ${endpoints} after ${seconds.toFixed(3)} s`);
    return [
      figure({
        variant: `${count(endpoints)} endpoints`,
        measured: `${seconds.toFixed(2)} s`,
        ceiling: `${allowed.toFixed(2)} s at ${perSecond(rate)}, and 1 s`,
        ratio: seconds / allowed,
        goal: { atMost: 1 },
      }),
    ];
  },
};
