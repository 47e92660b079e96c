import { connect } from "../connection.ts";

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
  const client = await connect({
    connectionString: databaseUrl,
    name: "events",
    limits: { statementMs: 4_000, idleInTransactionMs: 2_000 },
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
    await client.query("listen ringback_events");
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}
