import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startAgent } from "./agent.ts";
import type { Agent, Operations } from "./agent.ts";
import type { ClientOperations } from "./agents/client.ts";
import type { ReceiverOperations } from "./agents/receiver.ts";
import { watchCpu } from "./cpu.ts";
import type { CpuUse } from "./cpu.ts";
import type { BenchDatabase, Fixture, Server } from "./database.ts";
import { printStatements, resetStatements } from "./explain.ts";
import type { Figure } from "./figure.ts";
import type { Sizes } from "./arguments.ts";
import { startProduct } from "./product.ts";
import type { ProductProcess } from "./product.ts";

/** Of the load that comes before a measurement at a steady rate, until all of it has arrived. */
export const WARM_S = 2;

export interface Scenario {
  /** One line for the help and the docs. */
  about: string;
  /** Whether it is part of a quick run. */
  quick: boolean;
  run(bench: Bench): Promise<Omit<Figure, "scenario">[]>;
}

/** What a scenario works with. */
export interface Bench {
  sizes: Sizes;
  fixture: Fixture;
  /** The postmaster, when it runs on this machine and is ours. */
  postgresPid: number | null;
  receiver: Agent<ReceiverOperations>;
  receiverUrl: string;
  client: Agent<ClientOperations>;
  /** Roles of the processes where a scenario needs all of them. */
  processes: string[];
  /** A line for whoever watches. */
  tell(text: string): void;
  /** Runs `work` on a fresh database with everything in the fixture. */
  withDatabase<T>(work: (database: BenchDatabase) => Promise<T>): Promise<T>;
  /** Runs `work` beside processes of the product, one per entry of roles; then ends them. */
  withProduct<T>(
    database: BenchDatabase,
    roles: readonly string[],
    work: (processes: ProductProcess[]) => Promise<T>,
  ): Promise<T>;
  /** Runs `work` beside one more process of ours. */
  withAgent<Ops extends Operations, T>(
    name: string,
    work: (agent: Agent<Ops>) => Promise<T>,
  ): Promise<T>;
  /** Runs `work` and tells how many cores each part used meanwhile. */
  measureCpu<T>(
    processes: readonly ProductProcess[],
    work: () => Promise<T>,
  ): Promise<{ result: T; cpu: CpuUse }>;
}

export interface BenchParts {
  sizes: Sizes;
  server: Server;
  receiver: Agent<ReceiverOperations>;
  receiverUrl: string;
  client: Agent<ClientOperations>;
  processes: string[];
  serveProcesses: number;
  folder: string;
  profileFolder: string | null;
  explain: boolean;
  tell(text: string): void;
  /** Told of each process that is started, so that it can be ended from outside. */
  onStart(process: { stop(): Promise<void> }): void;
}

export function createBench(parts: BenchParts, scenario: string): Bench {
  const { server, receiver, client } = parts;
  let started = 0;

  async function start(database: BenchDatabase, roles: string): Promise<ProductProcess> {
    started += 1;
    const process = await startProduct({
      roles,
      processes: parts.serveProcesses,
      databaseUrl: database.url,
      masterKey: server.fixture.masterKey,
      folder: parts.folder,
      name: `${scenario}-${started}-${roles.replaceAll(",", "+")}`,
      profileFolder: parts.profileFolder && path.resolve(parts.profileFolder),
    });
    parts.onStart(process);
    return process;
  }

  return {
    ...parts,
    fixture: server.fixture,
    postgresPid: server.pid,
    withDatabase: (work) => server.withDatabase(work),
    async withProduct(database, roles, work) {
      const processes: ProductProcess[] = [];
      if (parts.explain) await resetStatements(database.pool);
      try {
        for (const one of roles) processes.push(await start(database, one));
        return await work(processes);
      } finally {
        await Promise.all(processes.map((one) => one.stop()));
        if (parts.explain) await printStatements(database.pool, parts.tell);
      }
    },
    async withAgent<Ops extends Operations, T>(
      name: string,
      work: (agent: Agent<Ops>) => Promise<T>,
    ): Promise<T> {
      const agent = startAgent<Ops>(name);
      parts.onStart(agent);
      try {
        return await work(agent);
      } finally {
        await agent.stop();
      }
    },
    async measureCpu(processes, work) {
      const watch = watchCpu({
        postgres: server.pid,
        receiver: receiver.pid,
        client: client.pid,
        ...Object.fromEntries(processes.map(({ roles, pid }, i) => [`${roles} ${i + 1}`, pid])),
      });
      const result = await work();
      return { result, cpu: watch() };
    },
  };
}

/** The process that serves the API. */
export function apiOf(processes: readonly ProductProcess[]): string {
  return processes.find(({ roles }) => roles.includes("api"))!.url;
}

/**
 * Waits until `look` answers true. @param progress a number that grows while there is hope
 * @throws Error when nothing moves for 30 s
 */
export async function until(
  what: string,
  look: () => Promise<{ done: boolean; progress: number }>,
  everyMs = 50,
): Promise<void> {
  const patienceMs = 30_000;
  let best = -Infinity;
  let movedAt = performance.now();
  for (;;) {
    const { done, progress } = await look();
    if (done) return;
    if (progress > best) {
      best = progress;
      movedAt = performance.now();
    }
    if (performance.now() - movedAt > patienceMs) {
      throw new Error(`${what}: nothing moved for ${patienceMs / 1000} s (at ${best})`);
    }
    await sleep(everyMs);
  }
}

/** Until the receiver has had this many. */
export async function untilArrived(
  { receiver }: Pick<Bench, "receiver">,
  count: number,
): Promise<void> {
  await until(`${count} arrivals`, async () => {
    const arrived = await receiver.call("count");
    return { done: arrived >= count, progress: arrived };
  });
}
