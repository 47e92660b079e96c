import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openLoop } from "../../bench/agents/open-loop.ts";
import { apiHeaders } from "../../bench/bodies.ts";
import { startProduct } from "../../bench/product.ts";
import { quantile } from "../../bench/stats.ts";
import { startEmbeddedDatabase } from "../../src/server/embedded-database.ts";
import { newApiKey } from "../../src/core/api-key.ts";
import { createVault } from "../../src/core/vault.ts";
import { migrate } from "../../src/db/migrate.ts";
import { createPool } from "../../src/db/pool.ts";
import { ensureAccount } from "../../src/flow/accounts/accounts.ts";
import { addApiKey } from "../../src/flow/accounts/api-keys.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { adoptMasterKey } from "../../src/flow/accounts/master-key.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Server } from "./binaries.ts";

/** How a steady load went, from before each submission until its receiver had the webhook. */
export interface PathFigures {
  rate: number;
  sent: number;
  delivered: number;
  p50Ms: number;
  p99Ms: number;
}

/** What the embedded database sets, as PostgreSQL itself sets it. */
const STOCK = ["jit=on", "max_connections=100", "max_wal_size=1GB", "wal_compression=off"];
const PROCESSES = ["api,compute,deliver", "compute,deliver"];
const SLEEP_MS = 20;
const WARM_S = 2;
/** After the load, for what is still under way. */
const PATIENCE_MS = 10_000;

/**
 * Two processes of the program on a server with stock settings; jobs of `demo.echo` and `demo.sleep`
 * in turn come at each of the rates, with one callback URL. What is late is no error, but counted.
 */
export async function measurePath(
  { folder }: Server,
  rates: readonly number[],
  seconds: number,
): Promise<PathFigures[]> {
  const dataDir = mkdtempSync(join(tmpdir(), "ringback-path-"));
  const postgres = await startEmbeddedDatabase({
    dataDir,
    binaries: { postgres: join(folder, "postgres"), initdb: join(folder, "initdb") },
    flags: STOCK.flatMap((setting) => ["-c", setting]),
  });
  const processes: { url: string; stop(): Promise<void> }[] = [];
  try {
    const { masterKey, apiKey } = await prepare(postgres.url);
    for (const [index, roles] of PROCESSES.entries()) {
      const name = `process-${index + 1}`;
      const options = {
        roles,
        name,
        processes: 1,
        masterKey,
        folder: dataDir,
        profileFolder: null,
      };
      processes.push(await startProduct({ ...options, databaseUrl: postgres.url }));
    }
    const figures: PathFigures[] = [];
    for (const rate of rates) {
      // processes that have just started plan and compile all they do
      await loadAt(`${processes[0]!.url}/v1/jobs`, apiKey, rate, WARM_S);
      figures.push(await loadAt(`${processes[0]!.url}/v1/jobs`, apiKey, rate, seconds));
    }
    return figures;
  } finally {
    await Promise.all(processes.map((one) => one.stop()));
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function prepare(url: string): Promise<{ masterKey: string; apiKey: string }> {
  await migrate(url);
  const masterKey = randomBytes(32).toString("base64");
  const apiKey = newApiKey();
  const options = { connectionString: url, max: 2, name: "test", onError: () => undefined };
  const pool = createPool(options);
  try {
    const context = { pool, vault: createVault([masterKey]) };
    await adoptMasterKey(context);
    const accountId = await ensureAccount(context, "path");
    await addApiKey(singleStatement(context.pool), {
      accountId,
      name: "test",
      text: apiKey,
      scopes: ["admin"],
    });
    return { masterKey, apiKey };
  } finally {
    await pool.end();
  }
}

async function loadAt(
  url: string,
  apiKey: string,
  rate: number,
  seconds: number,
): Promise<PathFigures> {
  const receiver = await startReceiver();
  try {
    const sent = await openLoop({ rate, seconds, label: "job" }, async (n, key) => {
      const input = n % 2 === 0 ? { type: "demo.echo" } : { type: "demo.sleep" };
      const body = JSON.stringify({
        ...input,
        input: n % 2 === 0 ? {} : { ms: SLEEP_MS },
        metadata: { key },
        callback_url: `${receiver.url}/callback`,
      });
      const answer = await fetch(url, { method: "POST", headers: apiHeaders(apiKey), body });
      await answer.arrayBuffer();
      if (answer.status !== 202) throw new Error(`a submission was answered ${answer.status}`);
    });
    const deadline = performance.now() + PATIENCE_MS;
    const all = sent.keys.length;
    while (receiver.requests.length < all && performance.now() < deadline) await sleep(50);
    const arrived = new Map<string, number>();
    for (const { body, receivedAt } of receiver.requests) {
      const { data } = JSON.parse(body.toString()) as { data: { metadata: { key: string } } };
      if (!arrived.has(data.metadata.key)) arrived.set(data.metadata.key, receivedAt.getTime());
    }
    const took = sent.keys.flatMap((key, n) => {
      const at = arrived.get(key);
      return at === undefined ? [] : [at - sent.ticks[n]! - (n % 2 === 0 ? 0 : SLEEP_MS)];
    });
    const [p50Ms, p99Ms] = [quantile(took, 0.5), quantile(took, 0.99)];
    return { rate, sent: all, delivered: arrived.size, p50Ms, p99Ms };
  } finally {
    await receiver.close();
  }
}
