import type { Scenario } from "../bench.ts";
import { apiOf } from "../bench.ts";
import { apiHeaders, jobRequests } from "../bodies.ts";
import { figure, perSecond } from "../figure.ts";
import { settleDown } from "../prepare.ts";
import { driveWholePath } from "../whole-path.ts";
import { submitCeiling } from "./submit.ts";

export const pathScenario: Scenario = {
  about: "submit → demo.echo → webhook, sustained, at most 500 jobs under way",
  quick: true,
  async run(bench) {
    const { receiverUrl, fixture } = bench;
    const ceiling = await submitCeiling(bench);
    const { rate, sent, left, sentTwice, cpu } = await bench.withDatabase(async (database) => {
      await settleDown(database.pool);
      return await bench.withProduct(database, bench.processes, (processes) =>
        driveWholePath(bench, processes, {
          url: `${apiOf(processes)}/v1/jobs`,
          headers: apiHeaders(fixture.jobs.apiKey),
          bodies: jobRequests(`${receiverUrl}/path`),
        }),
      );
    });
    bench.tell(`whole path: ${Math.round(rate)}/s`);
    return [
      figure({
        variant: bench.processes.join(" + "),
        measured: perSecond(rate),
        ceiling: `${perSecond(ceiling)} bare inserts`,
        ratio: rate / ceiling,
        goal: { atLeast: 0.25 },
        detail: { sent, left, sent_twice: sentTwice, cores: cpu },
      }),
    ];
  },
};
