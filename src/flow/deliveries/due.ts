import type { Context, DueReads } from "../context.ts";
import {
  findLanesWithPending,
  readDue,
  readDueInOrder,
  readNewest,
} from "../../db/deliveries/due.ts";
import { createGroupCommit } from "../group-commit.ts";

/** Bytes of bodies in hand in all lanes of a process; beyond it a lane has one delivery. */
export const MAX_BYTES_IN_ALL = 32 * 1_048_576;
const LANES = 32;
const LANES_LOOKED_AT = 500;

/**
 * Reads what is due in all lanes that ask at the same time with one statement. The bytes of the
 * deliveries are added to the process's load; whoever drops a delivery takes them off again.
 */
export function createDueReads({ pool, load }: Pick<Context, "pool" | "load">): DueReads {
  const group = (read: typeof readDue): DueReads["free"] =>
    createGroupCommit(async (lanes) => {
      const share = Math.ceil(Math.max(0, MAX_BYTES_IN_ALL - load.bytes) / lanes.length);
      const wanted = lanes.map((lane) => {
        // a lane with nothing in hand gets one delivery, or its turn would never come
        const least = lane.except.length === 0 ? 1 : 0;
        return { ...lane, bytes: Math.min(lane.bytes, Math.max(share, least)) };
      });
      return (await read(pool, wanted)).map((due, index) => {
        const bytes = due.reduce((sum, { body_bytes }) => sum + body_bytes, 0);
        load.bytes += bytes;
        const { rows, bytes: limit } = wanted[index]!;
        return { due, more: due.length === rows || bytes >= limit };
      });
    }, LANES);
  const pending = createGroupCommit(async (laneIds: string[]) => {
    const found = await findLanesWithPending(pool, laneIds);
    return laneIds.map((id) => found.has(id));
  }, LANES_LOOKED_AT);
  return {
    free: group(readDue),
    newest: group(readNewest),
    ordered: group(readDueInOrder),
    pending,
  };
}
