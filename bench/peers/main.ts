import { Command } from "commander";
import { positive } from "../arguments.ts";
import { PEERS } from "./index.ts";
import { runPeer } from "./run-peer.ts";
import type { PeerArguments } from "./run-peer.ts";

/** Measures a webhook service whose server the reader has started; see docs/benchmarks.md. */
const command = new Command("peers")
  .description("measure a webhook service that runs already; what is made in it stays there")
  .requiredOption("--peer <name>", Object.keys(PEERS).join(", "))
  .requiredOption("--url <url>", "of its API")
  .requiredOption("--key <token>", "for its API")
  .option("--project <id>", "where it has projects (Convoy)")
  .option("--endpoints <number>", "that are made in it", positive, 50)
  .option("--seconds <number>", "of each measurement", positive, 20)
  .option("--deliveries <number>", "that are published at once, and drained", positive, 10_000)
  .option("--receiver-host <host>", "by which it reaches this machine", "127.0.0.1")
  .option("--stop-sender <command>", "so that it accepts and does not send")
  .option("--start-sender <command>", "so that it sends what is due")
  .option("--json <file>", "write the figures as JSON")
  .addHelpText(
    "after",
    "\nExample:\n  node bench/peers/main.ts --peer ringback --url http://127.0.0.1:3000 --key rk_…",
  )
  .action(async (given: PeerArguments) => await runPeer(given));

await command.parseAsync().catch((error: Error) => {
  console.error(`peers: ${error.message}`);
  process.exitCode = 1;
});
