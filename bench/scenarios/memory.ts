import type { Scenario } from "../bench.ts";
import { webhookBodies } from "../bodies.ts";
import { drain } from "../drain.ts";
import { count, figure } from "../figure.ts";

const BODY_BYTES = 256 * 1024;
const LANES = 200;
const LIMIT_MB = 400;

export const memoryScenario: Scenario = {
  about: "pending deliveries of 256 kB bodies over 200 lanes, one deliver process",
  quick: false,
  async run(bench) {
    const deliveries = bench.sizes.large;
    const bodies = webhookBodies(BODY_BYTES, 16);
    const { rate, peakMb, cpu } = await bench.withDatabase((database) =>
      drain(bench, database, { deliveries, lanes: LANES, bodies }),
    );
    bench.tell(`peak of the deliver process: ${peakMb} MB`);
    return [
      figure({
        variant: `peak RSS, ${count(deliveries)} pending`,
        measured: `${peakMb} MB`,
        ceiling: `${LIMIT_MB} MB`,
        ratio: peakMb / LIMIT_MB,
        goal: { atMost: 1 },
        detail: { deliveries_per_s: Math.round(rate), cores: cpu },
      }),
    ];
  },
};
