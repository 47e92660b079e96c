import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

export interface TestDatabase {
  url: string;
  pool: pg.Pool;
  /** Closes the pool and drops the database, open connections included. Safe to call twice. */
  drop(): Promise<void>;
}

const OBJECT_IN_USE = "55006";

/** A database of the test file's own, migrated: a clone of the template that the run was set up with. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const template = fromSetup("TEST_POSTGRES_TEMPLATE");
  const name = `${template.replace(/_template$/, "")}_${randomBytes(6).toString("hex")}`;
  await clone(template, name);

  const url = new URL(fromSetup("TEST_POSTGRES_URL"));
  url.pathname = `/${name}`;
  // what tests ask is not what is tested: where JIT is on, it would compile their counts
  const pool = new pg.Pool({ connectionString: url.href, max: 10, options: "-c jit=off" });
  // A test that cuts connections has idle ones report it here.
  pool.on("error", () => undefined);

  let dropped: Promise<void> | undefined;
  return {
    url: url.href,
    pool,
    drop() {
      dropped ??= pool
        .end()
        .then(() =>
          asAdmin((admin) => admin.query(`drop database if exists ${name} with (force)`)),
        );
      return dropped;
    },
  };
}

// Two clones of one template exclude each other for a moment.
async function clone(template: string, name: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    try {
      await asAdmin((admin) => admin.query(`create database ${name} template ${template}`));
      return;
    } catch (error) {
      const inUse = error instanceof pg.DatabaseError && error.code === OBJECT_IN_USE;
      if (!inUse || performance.now() > deadline) throw error;
      await delay(50 + Math.random() * 100);
    }
  }
}

async function asAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: fromSetup("TEST_POSTGRES_URL") });
  admin.on("error", () => undefined);
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function fromSetup(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run the tests by jest`);
  return value;
}
