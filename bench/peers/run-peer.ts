import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import Table from "cli-table3";
import { startAgent } from "../agent.ts";
import type { ClientOperations } from "../agents/client.ts";
import type { ReceiverOperations } from "../agents/receiver.ts";
import { MARK } from "../agents/sender.ts";
import { BODY_BYTES, markedObject } from "../bodies.ts";
import { PEERS } from "./index.ts";
import { measurePeer } from "./measure.ts";

/** As the command line gives them. */
export interface PeerArguments {
  peer: string;
  url: string;
  key: string;
  project?: string;
  endpoints: number;
  seconds: number;
  deliveries: number;
  receiverHost: string;
  stopSender?: string;
  startSender?: string;
  json?: string;
}

const CONNECTIONS = 64;
const LOOPBACK = "127.0.0.1";

/** Measures a peer whose server runs already. */
export async function runPeer(given: PeerArguments): Promise<void> {
  const { stopSender, startSender, receiverHost } = given;
  const peer = PEERS[given.peer];
  if (peer === undefined) {
    throw new Error(`there is no peer ${given.peer} (${Object.keys(PEERS).join(", ")})`);
  }
  if ((stopSender === undefined) !== (startSender === undefined)) {
    throw new Error("--stop-sender and --start-sender: both, or none");
  }
  const tell = (text: string): void => console.error(`  ${text}`);
  const receiver = startAgent<ReceiverOperations>("receiver");
  const client = startAgent<ClientOperations>("client");
  try {
    const arrivedUrl = await receiver.call("listen", {
      host: receiverHost === LOOPBACK ? LOOPBACK : "0.0.0.0",
      marked: true,
    });
    const { port } = new URL(arrivedUrl);
    const receivers = Array.from(
      { length: given.endpoints },
      (_, n) => `http://${receiverHost}:${port}/lane/${n}/`,
    );
    const place = {
      url: given.url.replace(/\/+$/, ""),
      key: given.key,
      project: given.project ?? null,
      tag: randomBytes(4).toString("hex"),
    };
    const { url, headers, request } = await peer.setUp(place, receivers);
    tell(`${given.endpoints} endpoints; accepted is: ${peer.accepted}`);
    const bodies = receivers.map((_, n) =>
      request(n, (frameBytes) => markedObject(MARK, BODY_BYTES - frameBytes)),
    );
    const figures = await measurePeer({
      client,
      receiver,
      arrivedUrl: `http://${LOOPBACK}:${port}`,
      load: { url, headers, bodies, connections: CONNECTIONS },
      seconds: given.seconds,
      deliveries: given.deliveries,
      sender: startSender === undefined ? null : { stop: stopSender!, start: startSender },
      tell,
    });
    const table = new Table({ style: { head: [], border: [], compact: true } });
    table.push(...figures.map(({ name, unit, value }) => [name, format(value, unit)]));
    console.log(table.toString());
    if (given.json !== undefined) {
      const { version, accepted } = peer;
      const date = new Date().toISOString();
      const report = { date, peer: given.peer, version, accepted, figures };
      await writeFile(given.json, `${JSON.stringify(report, null, 2)}\n`);
    }
  } finally {
    await Promise.all([client.stop(), receiver.stop()]);
  }
}

function format(value: number, unit: string): string {
  return unit === "/s" ? `${Math.round(value)}/s` : `${value.toFixed(1)} ms`;
}
