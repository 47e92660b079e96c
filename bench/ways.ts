import type { LaneOwner } from "./accounts.ts";
import { apiHeaders, jobRequests, messageRequests } from "./bodies.ts";
import { apiOf } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { figure, perSecond } from "./figure.ts";
import type { Figure } from "./figure.ts";
import type { ProductProcess } from "./product.ts";
import { driveWholePath } from "./whole-path.ts";
import type { WholePath } from "./whole-path.ts";

/** The ways in; each is measured until the webhook has arrived. */
export type Way = "jobs" | "messages";

/** Of an account that is like any other. */
export const USUAL = { accounts: 1, endpoints: 50 };

/** Sent by all the accounts in turn, messages to all their endpoints in turn. */
export async function driveWay(
  bench: Bench,
  processes: readonly ProductProcess[],
  owners: readonly LaneOwner[],
  way: Way,
  seconds: number = bench.sizes.seconds,
): Promise<WholePath> {
  const found = await driveWholePath(
    bench,
    processes,
    {
      url: `${apiOf(processes)}/v1/${way}`,
      headers: apiHeaders(owners[0]!.apiKey),
      senders: owners.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` })),
      bodies: way === "jobs" ? jobRequests(`${bench.receiverUrl}/way`) : messagesTo(owners),
    },
    seconds,
  );
  bench.tell(`${way}: ${perSecond(found.rate)}`);
  return found;
}

/** Accounts have as many endpoints, and endpoints of one number want the same type. */
export function messagesTo([owner]: readonly LaneOwner[]): string[] {
  return owner!.endpoints.map(({ eventType }) => messageRequests(eventType, 1)[0]!);
}

/** What may be lost of the usual rate where nothing explains it. */
const SHARE_GOAL = { atLeast: 0.8 };

/** One way against the usual. */
export function besideUsual(
  variant: string,
  { usual, other }: { usual: WholePath; other: WholePath },
  rateOf: (path: WholePath) => number = ({ rate }) => rate,
): Omit<Figure, "scenario"> {
  return figure({
    variant,
    measured: perSecond(rateOf(other)),
    ceiling: `${perSecond(rateOf(usual))} as usual`,
    ratio: rateOf(other) / rateOf(usual),
    goal: SHARE_GOAL,
    detail: { cpu_ms: other.cpuMs, cpu_ms_as_usual: usual.cpuMs, sent_twice: other.sentTwice },
  });
}
