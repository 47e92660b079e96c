import pg from "pg";

/** A connection of its own that hears of new events as long as it lasts. */
export interface EventNotifications {
  close(): void;
}

/** @param onLost called once, when the connection has broken */
export async function openEventNotifications(
  databaseUrl: string,
  onEvent: () => void,
  onLost: (error: Error) => void,
): Promise<EventNotifications> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: "ringback events",
    connectionTimeoutMillis: 3_000,
    query_timeout: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  });
  let lost = false;
  const lose = (error: Error): void => {
    if (!lost) onLost(error);
    lost = true;
  };
  client.on("error", lose);
  client.on("end", () => lose(new Error("the connection has ended")));
  client.on("notification", onEvent);
  const close = (): void => {
    lost = true;
    client.end().catch(() => undefined);
  };
  try {
    await client.connect();
    await client.query("listen ringback_events");
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}
