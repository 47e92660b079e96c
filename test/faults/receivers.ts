import { parseId } from "../../src/core/ids.ts";
import { startReceiver, verify } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import type { Random } from "./random.ts";

/** One webhook as it arrived, by its exact bytes, and what it was answered. */
export interface Arrival {
  at: number;
  url: string;
  /** uuid of the message; null: malformed. */
  messageId: string | null;
  attempt: number;
  body: Buffer;
  status: number;
  /** Why the signature does not verify; null: it does. */
  fault: string | null;
}

export const RECEIVERS = ["healthy", "flaky", "slow", "refusing", "ordered"] as const;
export type ReceiverName = (typeof RECEIVERS)[number];

export interface FaultReceivers {
  arrivals: Arrival[];
  url(name: ReceiverName): string;
  /** Secrets become known after the receivers are there. */
  setSecret(name: ReceiverName, secret: string): void;
  /** From now on what was refused is taken, except at `/never`. */
  heal(): void;
  close(): Promise<void>;
}

export async function startFaultReceivers(random: Random): Promise<FaultReceivers> {
  const arrivals: Arrival[] = [];
  const secrets = new Map<ReceiverName, string>();
  const receivers = new Map<ReceiverName, Receiver>();
  let healed = false;

  function answer(name: ReceiverName, path: string): { status: number; delayMs: number } {
    const dice = random();
    const status = {
      healthy: 200,
      slow: 200,
      flaky: dice < 0.2 ? 500 : 202,
      refusing: path === "/never" || !healed ? 500 : 200,
      ordered: dice < 0.03 ? 503 : 204,
    }[name];
    return { status, delayMs: name === "slow" ? 200 + 1_000 * random() : 0 };
  }

  for (const name of RECEIVERS) {
    const receiver: Receiver = await startReceiver({
      respond(request) {
        const given = answer(name, request.path);
        arrivals.push({
          at: request.receivedAt.getTime(),
          url: receiver.url + request.path,
          messageId: parseId("message", request.headers["webhook-id"] ?? ""),
          attempt: Number(request.headers["ringback-attempt"]),
          body: request.body,
          status: given.status,
          fault: faultOf(() => verify(request, secrets.get(name) ?? "")),
        });
        return given;
      },
    });
    receivers.set(name, receiver);
  }

  return {
    arrivals,
    url: (name) => receivers.get(name)!.url,
    setSecret: (name, secret) => secrets.set(name, secret),
    heal: () => (healed = true),
    async close() {
      for (const receiver of receivers.values()) await receiver.close();
    },
  };
}

function faultOf(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
