import type { Command } from "commander";
import type { PortalSession, PortalSessionInput } from "../../client/openapi-types.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { collectList, wholeNumber } from "../api/input.ts";
import { showList, withPaging } from "../api/list.ts";
import type { ListOptions } from "../api/list.ts";

interface CreateOptions {
  endpoint: string[];
  can?: string[];
  events?: string[];
  ttlS?: number;
  title?: string;
  accent?: string;
  logoUrl?: string;
}

/** `ringback portal …` */
export function addPortal(cli: Cli, program: Command): void {
  const portal = program
    .command("portal")
    .description("links by which partners see their endpoints");
  const create = portal
    .command("create")
    .description("make a link and print it, once")
    .requiredOption("--endpoint <ids>", "comma-separated: all that the partner sees", collectList)
    .option("--can <list>", "comma-separated: read, test, replay, secret, events", collectList)
    .option("--events <types>", "comma-separated: what --can events may choose from", collectList)
    .option("--ttl-s <seconds>", "until it ends, from 60 to 86400 (default: 3600)", wholeNumber)
    .option("--title <text>", "what stands at the top of the page")
    .option("--accent <colour>", "the colour of buttons and links, as #rrggbb")
    .option("--logo-url <url>", "a picture beside the title: https: or data:");
  onApi(cli, create, async ({ client, out }, options: CreateOptions) => {
    const made = await client.portalSessions.create(bodyOf(options));
    out.answer(made, () => out.line(made.url));
  });
  examples(
    create,
    "portal create --endpoint ep_01… --can read,replay",
    "portal create --endpoint ep_01… --can test,events --events invoice.paid,invoice.sent --ttl-s 86400",
  );
  const list = withPaging(
    portal.command("list").description("list links that have not ended, newest first"),
  );
  onApi(cli, list, async (session, options: ListOptions) => {
    const read = (query: { limit: number; cursor?: string }) =>
      session.client.request("GET /v1/portal-sessions", { query });
    await showList(session, options, read, COLUMNS);
  });
  examples(list, "portal list");
  const revoke = portal.command("revoke <id>").description("end a link; it works no longer");
  onApi(cli, revoke, async ({ client, out }, id: string) => {
    await client.portalSessions.revoke(id);
    out.answer({ id, revoked: true }, () => out.line(`${id} is revoked.`));
  });
  examples(revoke, "portal revoke ptl_01…");
}

function bodyOf(options: CreateOptions): PortalSessionInput {
  const { endpoint, can, events, ttlS, title, accent, logoUrl } = options;
  return {
    endpoint_ids: endpoint,
    // the server refuses unknown permissions
    ...(can === undefined ? {} : { can: can as NonNullable<PortalSessionInput["can"]> }),
    ...(events === undefined ? {} : { event_types: events }),
    ...(ttlS === undefined ? {} : { ttl_s: ttlS }),
    theme: {
      ...(title === undefined ? {} : { title }),
      ...(accent === undefined ? {} : { accent }),
      ...(logoUrl === undefined ? {} : { logo_url: logoUrl }),
    },
  };
}

const COLUMNS: readonly TextColumn<PortalSession>[] = [
  { head: "ID", text: ({ id }) => id },
  { head: "TITLE", text: ({ theme }) => theme.title ?? "", gives: true },
  { head: "ENDPOINTS", text: ({ endpoint_ids }) => endpoint_ids.join(", ") },
  { head: "CAN", text: ({ can }) => can.join(", ") },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
  { head: "ENDS", text: ({ expires_at }) => relative(expires_at) },
];
