import type { ApiClient } from "./api-client.ts";
import type { Check } from "./checks.ts";
import type { Load } from "./load.ts";
import type { Random } from "./random.ts";
import type { FaultReceivers } from "./receivers.ts";
import type { Stack } from "./stack.ts";

/** What was done, and when the dependency was back or the process dead (ms since the epoch). */
export interface Incident {
  scenario: string;
  target: string;
  from: number;
  to: number;
  /** The worker whose work is held up; null: everybody's. */
  workerId: string | null;
  /** When nothing more comes of it: a zombie wakes up later. */
  over: Promise<void>;
  /** Of a fault that makes things slow instead of ending them. */
  slow?: SlowTime;
  /** Promises of this kind of fault only, held against what there is when all is settled. */
  verify?: () => Promise<Check[]>;
}

/** A time of slowness, and the calm one before it that it is compared with. */
export interface SlowTime {
  calmFrom: number;
  from: number;
  to: number;
  /** What each round trip to the database takes more. */
  roundTripMs: number;
  /** The share of time in which the database works. */
  share: number;
  /** The longest time in which it does nothing. */
  stallMs: number;
}

export type Done = Omit<Incident, "scenario" | "from" | "over"> & { over?: Promise<void> };

/** What surrounds a fault. */
export interface Scene {
  client: ApiClient;
  load: Load;
  receivers: FaultReceivers;
  /** How long a fault lasts that has no length of its own. */
  holdMs: number;
  signal: AbortSignal;
  onMisbehaviour(what: string): void;
}

export type Inject = (stack: Stack, random: Random, scene: Scene) => Promise<Done>;
