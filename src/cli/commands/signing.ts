import type { Command } from "commander";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { wholeNumber } from "../api/input.ts";

/** `ringback signing …` */
export function addSigning(cli: Cli, program: Command): void {
  const signing = program.command("signing").description("what verifies webhooks");
  const secret = signing
    .command("secret <origin>")
    .description("print the secret that signs for the callback URLs of an origin");
  onApi(cli, secret, async ({ client, out }, origin: string) => {
    const found = await client.request("GET /v1/signing-secret", { query: { origin } });
    out.answer(found, () => out.line(found.secret));
  });
  examples(secret, "signing secret http://127.0.0.1:4000", "signing secret https://example.com");
  const key = signing.command("key").description("print the public key of all webhooks");
  onApi(cli, key, async ({ client, out }) => {
    const text = await client.signing.publicKey();
    out.answer({ public_key: text }, () => out.line(text));
  });
  examples(key, "signing key");
  const rotate = signing
    .command("rotate")
    .description("make new secrets for all callback URLs; the old ones sign beside them for a day")
    .option("--overlap-s <seconds>", "or for so long", wholeNumber);
  onApi(cli, rotate, async ({ client, out }, { overlapS }: { overlapS?: number }) => {
    const body = overlapS === undefined ? {} : { overlap_s: overlapS };
    const rotated = await client.signing.rotateSecret(body);
    out.answer(rotated, () => {
      out.line(`The old secrets sign as well until ${rotated.previous_expires_at}.`);
    });
  });
  examples(rotate, "signing rotate", "signing rotate --overlap-s 3600");
}
