import type { Scenario } from "../bench.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { apiOf, untilArrived, WARM_S } from "../bench.ts";
import { apiHeaders, jobRequests } from "../bodies.ts";
import { figure, perSecond } from "../figure.ts";
import { settleDown } from "../prepare.ts";
import { countTwice, rateBetween } from "../stats.ts";
import { submitCeiling } from "./submit.ts";

const CONNECTIONS = 64;
/** Jobs that may be under way at once, from submission to arrival. */
const OUTSTANDING = 500;
/** The part of the run that counts: its pace is found, and it does not end yet. */
const [FROM, TO] = [0.1, 0.95];

export const pathScenario: Scenario = {
  about: "submit → demo.echo → webhook, sustained, at most 500 jobs under way",
  quick: true,
  async run(bench) {
    const { client, receiver, receiverUrl, fixture } = bench;
    const ceiling = await submitCeiling(bench);
    return await bench.withDatabase(async (database) => {
      await settleDown(database.pool);
      await receiver.call("reset");
      return await bench.withProduct(database, bench.processes, async (processes) => {
        const drive = (seconds: number) =>
          client.call("wholePath", {
            url: `${apiOf(processes)}/v1/jobs`,
            headers: apiHeaders(fixture.jobs.apiKey),
            bodies: jobRequests(`${receiverUrl}/path`),
            connections: CONNECTIONS,
            outstanding: OUTSTANDING,
            arrivedUrl: receiverUrl,
            seconds,
          });
        await untilArrived(bench, await drive(WARM_S));
        await receiver.call("reset");
        const seconds = bench.sizes.seconds / (TO - FROM);
        const startedAt = performance.timeOrigin + performance.now();
        const { result: sent, cpu } = await bench.measureCpu(processes, () => drive(seconds));
        const left = sent - (await receiver.call("count"));
        await untilArrived(bench, sent);
        // nothing more than was sent
        await sleep(200);
        const arrivals = await receiver.call("arrivals");
        const span = seconds * 1000;
        const rate = rateBetween(arrivals.ticks, startedAt + FROM * span, startedAt + TO * span);
        bench.tell(`whole path: ${Math.round(rate)}/s`);
        return [
          figure({
            variant: bench.processes.join(" + "),
            measured: perSecond(rate),
            ceiling: `${perSecond(ceiling)} bare inserts`,
            ratio: rate / ceiling,
            goal: { atLeast: 0.25 },
            detail: { sent, left, sent_twice: countTwice(arrivals), cores: cpu },
          }),
        ];
      });
    });
  },
};
