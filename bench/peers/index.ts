import { convoy } from "./convoy.ts";
import { outpost } from "./outpost.ts";
import type { Peer } from "./peer.ts";
import { ringback } from "./ringback.ts";
import { svix } from "./svix.ts";

/** By the name that `--peer` takes. */
export const PEERS: Record<string, Peer> = {
  ringback: ringback(),
  "ringback-v1": ringback(["v1"]),
  svix,
  convoy,
  outpost,
};
