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

type Answer = { status: number; delayMs: number };

/** A receiver of its own kind; the secret of each path becomes known after it is there. */
export interface OpenReceiver {
  url: string;
  setSecret(path: string, secret: string): void;
}

export interface FaultReceivers {
  arrivals: Arrival[];
  /** When the newest one arrived at the URL, or at any path of the origin. */
  lastArrival(destination: string): number | undefined;
  url(name: ReceiverName): string;
  /** Secrets become known after the receivers are there. */
  setSecret(name: ReceiverName, secret: string): void;
  /** One more, for as long as the program runs. */
  open(answer: (path: string) => Answer): Promise<OpenReceiver>;
  /** From now on what was refused is taken, except at `/never`. */
  heal(): void;
  close(): Promise<void>;
}

export async function startFaultReceivers(random: Random): Promise<FaultReceivers> {
  const arrivals: Arrival[] = [];
  const secrets = new Map<ReceiverName, string>();
  const receivers = new Map<ReceiverName, Receiver>();
  const opened: Receiver[] = [];
  const latest = new Map<string, number>();
  let healed = false;

  function answer(name: ReceiverName, path: string): Answer {
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

  async function listen(
    answerTo: (path: string) => Answer,
    secretOf: (path: string) => string | undefined,
  ): Promise<Receiver> {
    const receiver: Receiver = await startReceiver({
      respond(request) {
        const given = answerTo(request.path);
        latest.set(receiver.url, Date.now());
        latest.set(receiver.url + request.path, Date.now());
        arrivals.push({
          at: request.receivedAt.getTime(),
          url: receiver.url + request.path,
          messageId: parseId("message", request.headers["webhook-id"] ?? ""),
          attempt: Number(request.headers["ringback-attempt"]),
          body: request.body,
          status: given.status,
          fault: faultOf(() => verify(request, secretOf(request.path) ?? "")),
        });
        return given;
      },
    });
    opened.push(receiver);
    return receiver;
  }

  for (const name of RECEIVERS) {
    receivers.set(
      name,
      await listen(
        (path) => answer(name, path),
        () => secrets.get(name),
      ),
    );
  }

  return {
    arrivals,
    lastArrival: (destination) => latest.get(destination),
    url: (name) => receivers.get(name)!.url,
    setSecret: (name, secret) => secrets.set(name, secret),
    async open(answerTo) {
      const byPath = new Map<string, string>();
      const { url } = await listen(answerTo, (path) => byPath.get(path));
      return { url, setSecret: (path, secret) => byPath.set(path, secret) };
    },
    heal: () => (healed = true),
    async close() {
      for (const receiver of opened) await receiver.close();
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
