import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

/** What a partner does with its n-th call (1, 2, …): a status, or no answer at all. */
export type Behaviour = (call: number) => number | "hangs up";

/** A call as the partner saw it. */
export interface PartnerCall {
  partner: string;
  at: Date;
  attempt: string;
  webhookId: string;
  /** Its signature fits its bytes, and is fresh. */
  verified: boolean;
  answer: number | "hangs up";
}

export interface PartnerOptions {
  name: string;
  behaviour: Behaviour;
  onCall(call: PartnerCall): void;
}

/** A receiver of webhooks, as a customer would write it. */
export interface Partner {
  name: string;
  url: string;
  /** `whsec_…`, once it is known. */
  secret: string;
  behaviour: Behaviour;
  calls: PartnerCall[];
  close(): Promise<void>;
}

export async function startPartner({ name, behaviour, onCall }: PartnerOptions): Promise<Partner> {
  const server = createServer((request, response) => {
    // the sender left in the middle: there is nobody to answer
    receive(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const partner: Partner = {
    name,
    url: `http://127.0.0.1:${port}/webhooks`,
    secret: "",
    behaviour,
    calls: [],
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = new Date();
    const body = await buffer(request);
    const verified = verify(partner.secret, body, request);
    const wanted = partner.behaviour(partner.calls.length + 1);
    const answer = verified ? wanted : 401;
    const call = {
      partner: name,
      at,
      attempt: headerOf(request, "ringback-attempt"),
      webhookId: headerOf(request, "webhook-id"),
      verified,
      answer,
    };
    partner.calls.push(call);
    onCall(call);
    if (answer === "hangs up") response.destroy();
    else response.writeHead(answer).end();
  }
  return partner;
}

/** By the library of Standard Webhooks, over the bytes as they came. */
function verify(secret: string, body: Buffer, request: IncomingMessage): boolean {
  try {
    new Webhook(secret).verify(body, {
      "webhook-id": headerOf(request, "webhook-id"),
      "webhook-timestamp": headerOf(request, "webhook-timestamp"),
      "webhook-signature": headerOf(request, "webhook-signature"),
    });
    return true;
  } catch {
    return false;
  }
}

function headerOf(request: IncomingMessage, name: string): string {
  return request.headersDistinct[name]?.join(", ") ?? "";
}
