import {
  createConnection,
  destroyConnection,
  isReusable,
  renew,
  type Connection,
} from "./connection.ts";
import type { GuardedConnector } from "./target-guard.ts";

export interface PoolOptions {
  connector: GuardedConnector;
  idleMs: number;
  maxIdle: number;
}

export interface ConnectionPool {
  /** The connection of this lane and origin used last and idle now, or a new one. */
  acquire(lane: string, origin: string): Connection;
  /** Gives a connection back after a complete exchange. */
  release(connection: Connection): void;
  /** Ends a connection whose state is not known to be clean. */
  discard(connection: Connection): void;
  /** Discards a connection that broke, and the idle ones beside it if they may have too. */
  discardBroken(connection: Connection): void;
  openSockets(): number;
  /** Ends the idle connections and resolves when every connection given up is gone. */
  close(): Promise<void>;
}

export function createConnectionPool(options: PoolOptions): ConnectionPool {
  const { connector, idleMs, maxIdle } = options;
  const idleByKey = new Map<string, Connection[]>();
  // In the order they became idle.
  const idle = new Set<Connection>();
  const ending = new Set<Promise<void>>();
  let sockets = 0;

  function connect(key: string, origin: string): Connection {
    const onSocketCount = (change: 1 | -1) => void (sockets += change);
    const connection = createConnection({ key, origin, idleMs, connector, onSocketCount });
    connection.client.on("disconnect", () => {
      if (idle.has(connection)) discard(connection);
    });
    return connection;
  }

  function forget(connection: Connection): void {
    if (!idle.delete(connection)) return;
    const stack = idleByKey.get(connection.key) ?? [];
    if (stack.at(-1) === connection) stack.pop();
    else stack.splice(stack.lastIndexOf(connection), 1);
    if (stack.length === 0) idleByKey.delete(connection.key);
  }

  function discard(connection: Connection): void {
    forget(connection);
    const gone = destroyConnection(connection).finally(() => ending.delete(gone));
    ending.add(gone);
  }

  return {
    acquire(lane, origin) {
      const key = `${lane} ${origin}`;
      let connection = idleByKey.get(key)?.at(-1);
      while (connection !== undefined) {
        forget(connection);
        if (isReusable(connection)) {
          renew(connection);
          return connection;
        }
        discard(connection);
        connection = idleByKey.get(key)?.at(-1);
      }
      return connect(key, origin);
    },

    release(connection) {
      if (!isReusable(connection)) return discard(connection);
      idle.add(connection);
      const stack = idleByKey.get(connection.key);
      if (stack === undefined) idleByKey.set(connection.key, [connection]);
      else stack.push(connection);
      if (idle.size > maxIdle) {
        const [oldest] = idle;
        if (oldest !== undefined) discard(oldest);
      }
    },

    discard,

    // A kept connection that gave no answer was likely cut silently, by a restart or a middlebox on
    // the way: its siblings are as old, and each would cost an attempt to find out.
    discardBroken(connection) {
      discard(connection);
      if (!connection.used) return;
      for (const sibling of idleByKey.get(connection.key)?.slice() ?? []) discard(sibling);
    },

    openSockets: () => sockets,

    async close() {
      for (const connection of idle) discard(connection);
      while (ending.size > 0) await Promise.all(ending);
    },
  };
}
