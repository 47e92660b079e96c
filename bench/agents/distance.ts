import { serveAgent } from "../agent.ts";
import { startDatabaseProxy } from "../network/database-proxy.ts";

/** A database further away: each packet takes half of the round trip in each direction. */
const operations = {
  /** The URL by which the database is that far away. */
  async place(databaseUrl: string, roundTripMs: number): Promise<string> {
    const url = new URL(databaseUrl);
    const proxy = await startDatabaseProxy(Number(url.port || 5432), url.hostname);
    proxy.setRoundTrip(roundTripMs);
    url.host = `127.0.0.1:${proxy.port}`;
    return url.href;
  },
};

export type DistanceOperations = typeof operations;

serveAgent(operations);
