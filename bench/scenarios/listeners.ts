import type { Agent } from "../agent.ts";
import type { ListenerOperations } from "../agents/listeners.ts";
import { apiOf, until, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests } from "../bodies.ts";
import { figure, perSecond } from "../figure.ts";
import { settleDown } from "../prepare.ts";
import type { ProductProcess } from "../product.ts";

const LISTENERS = 100;
const ASLEEP = 10;
const LOAD = { connections: 64, outstanding: 500 };
/** job.accepted, started and completed, message.created, delivery.attempted and delivered. */
const ENTRIES_OF_A_JOB = 6;

export const listenersScenario: Scenario = {
  about: "submit → demo.echo → webhook, sent to 100 listeners, some of which don't read",
  quick: false,
  run: (bench) =>
    bench.withDatabase(async (database) => {
      await settleDown(database.pool);
      return await bench.withProduct(database, bench.processes, (processes) =>
        bench.withAgent("listeners", (agent: Agent<ListenerOperations>) =>
          measure(bench, processes, agent),
        ),
      );
    }),
};

async function measure(
  bench: Bench,
  processes: readonly ProductProcess[],
  agent: Agent<ListenerOperations>,
): ReturnType<Scenario["run"]> {
  const headers = apiHeaders(bench.fixture.jobs.apiKey);
  const open = (count: number, asleep: boolean): Promise<void> =>
    agent.call("open", { url: `${apiOf(processes)}/v1/activity`, headers, count, asleep });

  await drive(bench, processes, WARM_S);
  const alone = await drive(bench, processes);
  await open(LISTENERS, false);
  const received = await driveReceived(bench, processes, agent);
  await open(ASLEEP, true);
  const besideSlow = await driveReceived(bench, processes, agent);
  const dropped = (await agent.call("received")).slice(LISTENERS).filter(({ gone }) => gone).length;
  await agent.call("close");
  bench.tell(
    `sent: ${perSecond(received.entries)}, ${perSecond(besideSlow.entries)} beside slow ones`,
  );
  return [
    figure({
      variant: `jobs, sent to ${LISTENERS} listeners`,
      measured: `${perSecond(received.jobs)} (${perSecond(received.entries)} entries)`,
      ceiling: `${perSecond(alone.jobs)}, nobody listens`,
      ratio: received.jobs / alone.jobs,
      goal: null,
      detail: {
        entries_per_s: Math.round(received.entries),
        cores: received.cpu,
        cores_alone: alone.cpu,
      },
    }),
    figure({
      variant: `entries, ${ASLEEP} more listeners don't read`,
      measured: perSecond(besideSlow.entries),
      ceiling: `${perSecond(received.entries)}, all read`,
      ratio: besideSlow.entries / received.entries,
      goal: null,
      detail: { dropped, cores: besideSlow.cpu },
    }),
  ];
}

/** Jobs per second, until the last has arrived. */
async function drive(
  bench: Bench,
  processes: readonly ProductProcess[],
  seconds: number = bench.sizes.seconds,
) {
  const { client, receiver, receiverUrl, fixture } = bench;
  await receiver.call("reset");
  const start = performance.now();
  const { result: sent, cpu } = await bench.measureCpu(processes, async () => {
    const count = await client.call("wholePath", {
      url: `${apiOf(processes)}/v1/jobs`,
      headers: apiHeaders(fixture.jobs.apiKey),
      bodies: jobRequests(`${receiverUrl}/listeners`),
      ...LOAD,
      arrivedUrl: receiverUrl,
      seconds,
    });
    await untilArrived(bench, count);
    return count;
  });
  return { sent, cpu, jobs: (sent / (performance.now() - start)) * 1000 };
}

/**
 * The same until each of the listeners that read has received all.
 * @throws Error when one receives anything else
 */
async function driveReceived(
  bench: Bench,
  processes: readonly ProductProcess[],
  agent: Agent<ListenerOperations>,
) {
  const counts = async (): Promise<number[]> =>
    (await agent.call("received")).slice(0, LISTENERS).map((one) => one.received);
  const [before = 0] = await counts();
  const start = performance.now();
  const driven = await drive(bench, processes);
  const due = driven.sent * ENTRIES_OF_A_JOB;
  await until(`${due} entries`, async () => {
    const least = Math.min(...(await counts())) - before;
    return { done: least >= due, progress: least };
  });
  const most = Math.max(...(await counts())) - before;
  if (most > due) throw new Error(`a listener received ${most} entries, not ${due}`);
  return { ...driven, entries: ((due * LISTENERS) / (performance.now() - start)) * 1000 };
}
