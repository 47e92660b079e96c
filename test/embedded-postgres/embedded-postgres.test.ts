import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { startEmbeddedDatabase } from "../../src/server/embedded-database.ts";
import type { EmbeddedPostgres } from "../../src/embedded-postgres/start.ts";
import { explainFailure } from "../../src/embedded-postgres/failure.ts";
import { processStart, waitForProcessEnd } from "../../src/embedded-postgres/process-info.ts";

const MODULE = new URL("../../src/server/embedded-database.ts", import.meta.url).href;

let dataDir: string;
const children: ChildProcess[] = [];

beforeAll(() => {
  dataDir = realpathSync(mkdtempSync(join(tmpdir(), "ringback-embedded-")));
});

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  const server = await startEmbeddedDatabase({ dataDir });
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

describe("the embedded database", () => {
  test("makes the database once, keeps its data and its password to itself", async () => {
    const first = await startEmbeddedDatabase({ dataDir });
    expect(first.firstStart).toBe(true);
    await query(first.url, "create table kept as select 42 as answer");
    const settings = await query(
      first.url,
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
        current_setting('full_page_writes') as pages, current_setting('jit') as jit,
        current_setting('wal_compression') as compression, current_setting('max_connections') as max,
        current_setting('listen_addresses') as listen, current_setting('server_encoding') as encoding,
        current_setting('unix_socket_directories') as sockets, current_database() as database,
        (select datcollate from pg_database where datname = current_database()) as locale`,
    );
    expect(settings[0]).toEqual({
      fsync: "on",
      commit: "on",
      pages: "on",
      jit: "off",
      compression: "pglz",
      max: "200",
      listen: "127.0.0.1",
      encoding: "UTF8",
      sockets: "",
      database: "ringback",
      locale: "C",
    });
    const wrong = new URL(first.url);
    wrong.password = "guess";
    await expect(query(wrong.href, "select 1")).rejects.toThrow(/password authentication failed/);
    expect(statSync(join(dataDir, "postgres-password")).mode & 0o777).toBe(0o600);
    await first.stop();
    await first.stop();
    expect(processStart(first.pid)).toBeNull();
    expect(existsSync(join(dataDir, "ringback.pid"))).toBe(false);

    const second = await startEmbeddedDatabase({ dataDir });
    expect(second.firstStart).toBe(false);
    expect(await query(second.url, "select answer from kept")).toEqual([{ answer: 42 }]);
    await second.stop();
  });

  test("refuses a folder that another ringback uses, and names it", async () => {
    const owner = await startOwner("");
    await expect(startEmbeddedDatabase({ dataDir })).rejects.toThrow(
      `data folder ${dataDir} is in use by another ringback (pid ${owner.child.pid})`,
    );
    await query(owner.url, "select 1");
    owner.child.kill("SIGTERM");
    await once(owner.child, "exit");
  });

  test("takes over the database of an owner that was killed", async () => {
    const owner = await startOwner("");
    owner.child.kill("SIGKILL");
    await once(owner.child, "exit");
    expect(processStart(owner.postgres)).not.toBeNull();

    const began = performance.now();
    // Both see the dead owner; one gets the folder, the other is told by whom it is used.
    const rival = startOwner("");
    const mine = await startEmbeddedDatabase({ dataDir }).catch((error: Error) => error);
    if (mine instanceof Error) {
      const { child, url } = await rival;
      expect(mine.message).toContain(`in use by another ringback (pid ${child.pid})`);
      await query(url, "select 1");
      child.kill("SIGKILL");
    } else {
      await expect(rival).rejects.toThrow(`in use by another ringback (pid ${process.pid})`);
      await query(mine.url, "select 1");
      await mine.stop();
    }
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(processStart(owner.postgres)).toBeNull();
  });

  test("a lock whose process id was given to another process is stale", async () => {
    const start = "another boot/1";
    writeFileSync(join(dataDir, "ringback.pid"), `${process.pid}\n${start}\n0123456789abcdef\n`);
    const server = await startEmbeddedDatabase({ dataDir });
    expect(readFileSync(join(dataDir, "ringback.pid"), "utf8")).not.toContain(start);
    await server.stop();
  });

  test("a postmaster.pid that names a foreign process doesn't stop the start", async () => {
    writeFileSync(join(dataDir, "postgres", "postmaster.pid"), `${process.ppid}\n`);
    const server = await startEmbeddedDatabase({ dataDir });
    await query(server.url, "select 1");
    await server.stop();
    expect(processStart(process.ppid)).not.toBeNull();
  });

  test("Ctrl-C, sent to the whole process group, doesn't reach the database", async () => {
    const owner = await startOwner(`
      process.on("SIGINT", () => {
        setTimeout(async () => {
          const client = new pg.Client({ connectionString: server.url });
          await client.connect();
          await client.query("select 1");
          await client.end();
          await server.stop();
          process.exitCode = 42;
          clearInterval(work);
        }, 200);
      });`);
    process.kill(-(owner.child.pid ?? 0), "SIGINT");
    const [code] = (await once(owner.child, "exit")) as [number | null];
    expect(code).toBe(42);
    expect(processStart(owner.postgres)).toBeNull();
  });

  test("a process that ends without stop() ends the database and keeps its exit code", async () => {
    const owner = await startOwner(`process.on("SIGINT", () => { throw new Error("bug"); });`);
    owner.child.kill("SIGINT");
    const [code] = (await once(owner.child, "exit")) as [number | null];
    expect(code).toBe(1);
    expect(await waitForProcessEnd(owner.postgres, 5_000)).toBe(true);
    expect(existsSync(join(dataDir, "ringback.pid"))).toBe(false);
  });

  test("tells when the database ends by itself, not when it is stopped", async () => {
    const reasons: string[] = [];
    const killed = await startEmbeddedDatabase({ dataDir });
    const told = new Promise<void>((settle) => {
      killed.onExit((reason) => {
        reasons.push(reason);
        settle();
      });
    });
    process.kill(killed.pid, "SIGKILL");
    await told;
    expect(reasons).toEqual(["the embedded database ended by SIGKILL"]);
    await killed.stop();

    const stopped = await startEmbeddedDatabase({ dataDir });
    stopped.onExit((reason) => reasons.push(reason));
    await stopped.stop();
    await delay(10);
    expect(reasons).toHaveLength(1);
  });

  test("says in one line that the data was made by another version", async () => {
    const version = join(dataDir, "postgres", "PG_VERSION");
    writeFileSync(version, "16\n");
    try {
      await expect(startAndStop(dataDir)).rejects.toThrow(
        `data folder ${dataDir} was made by PostgreSQL 16, this ringback brings 18`,
      );
    } finally {
      writeFileSync(version, "18\n");
    }
    expect(existsSync(join(dataDir, "ringback.pid"))).toBe(false);
  });

  test("says in one line what is wrong with the folder", async () => {
    const file = join(dataDir, "a-file");
    writeFileSync(file, "");
    await expect(startAndStop(file)).rejects.toThrow(`data folder ${file} is not a folder`);
    await expect(startAndStop(join(file, "below"))).rejects.toThrow("is not a folder");

    const closed = join(dataDir, "closed");
    mkdirSync(closed, { mode: process.getuid?.() === 0 ? 0o700 : 0o500 });
    const expected =
      process.getuid?.() === 0 ? `may not enter ${closed}` : "is not writable, or belongs";
    const inside = join(closed, "data");
    await expect(startAndStop(inside)).rejects.toThrow(expected);
    await expect(startAndStop(inside)).rejects.not.toThrow("\n");
    chmodSync(closed, 0o700);
  });
});

test.each([
  ["initdb: error: could not write file: No space left on device", "disk full: "],
  ["initdb: error while loading shared libraries: libpq.so.5", "run `npm rebuild`"],
  ["EROFS: read-only file system, mkdir '/data'", "data folder /data is not writable"],
  ["noise\n2026 UTC [1] FATAL:  bad thing\nmore", "did not start: postgres: FATAL:  bad thing"],
  ["", "did not start: postgres: no output"],
])("explains %j in one line", (output, expected) => {
  const line = explainFailure({
    dataDir: "/data",
    program: "postgres",
    output,
    closedFolder: undefined,
  });
  expect(line).toContain(expected);
  expect(line).not.toContain("\n");
});

async function startAndStop(folder: string): Promise<void> {
  const server: EmbeddedPostgres = await startEmbeddedDatabase({ dataDir: folder });
  await server.stop();
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(text)).rows as unknown[];
  } finally {
    await client.end();
  }
}

/** Another process that owns the folder, in a process group of its own. */
async function startOwner(
  more: string,
): Promise<{ child: ChildProcess; postgres: number; url: string }> {
  const script = `
    import pg from "pg";
    import { startEmbeddedDatabase } from ${JSON.stringify(MODULE)};
    const server = await startEmbeddedDatabase({ dataDir: ${JSON.stringify(dataDir)} });
    const work = setInterval(() => undefined, 1000);
    process.on("SIGTERM", () => server.stop().then(() => process.exit(0)));
    ${more}
    console.log(JSON.stringify({ postgres: server.pid, url: server.url }));`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: process.cwd(),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const errors: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, "line"),
    once(child, "close").then(() => [undefined]),
  ])) as [string | undefined];
  if (line === undefined) throw new Error(errors.join("\n"));
  return { child, ...(JSON.parse(line) as { postgres: number; url: string }) };
}
