import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import type { AuditEvent } from "../../core/audit.ts";
import { listAuditEvents, type AuditFilter } from "../../db/accounts/audit-events.ts";
import type { HttpContext } from "../http-context.ts";
import { LINES_TYPE } from "../lines.ts";
import { route, type Route } from "../route.ts";
import {
  auditEvent as auditEventSchema,
  auditExportQuery,
  auditQuery,
} from "../schemas/audit-event.ts";
import { pageOf } from "../schemas/common.ts";
import { auditEventCsv, auditEventView, CSV_HEAD } from "../views/audit-event.ts";
import { pageReply } from "../views/page.ts";

const tag = "Audit log";
/** The most events of one export; ranges of time lead to the others. */
const MAX_EXPORTED = 100_000;
const EXPORT_PAGE = 500;

const list = route({
  method: "get",
  path: "/v1/audit-events",
  scopes: ["admin:read"],
  operationId: "listAuditEvents",
  tag,
  summary: "List who changed what, newest first",
  query: auditQuery,
  responses: { 200: { description: "A page of events", schema: pageOf(auditEventSchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler({ lookups }, { accountId, query }) {
    const filter = filterOf(query);
    return await pageReply(
      "audit-events",
      query,
      (page) => listAuditEvents(lookups, accountId, { ...filter, ...page }),
      (event) => JSON.stringify(auditEventView(event)),
    );
  },
});

const exported = route({
  method: "get",
  path: "/v1/audit-events/export",
  scopes: ["admin:read"],
  operationId: "exportAuditEvents",
  tag,
  summary: "Export who changed what, newest first",
  description: `CSV with a line of names, or with \`format=ndjson\` the events of the list as JSON Lines. The newest ${MAX_EXPORTED.toLocaleString("en")} that match; \`since\` and \`until\` lead to others.`,
  query: auditExportQuery,
  responses: { 200: { description: "The events", contentType: "text/csv", schema: z.string() } },
  problems: ["query_invalid"],
  async handler(context, { accountId, query }) {
    const { format } = query;
    const csv = format === "csv";
    const pages = readAll(context, accountId, filterOf(query));
    const lines = linesOf(csv ? `${CSV_HEAD}\r\n` : "", pages, (event) =>
      csv ? `${auditEventCsv(event)}\r\n` : `${JSON.stringify(auditEventView(event))}\n`,
    );
    return {
      status: 200,
      headers: {
        "content-type": csv ? "text/csv; charset=utf-8" : LINES_TYPE,
        "content-disposition": `attachment; filename="audit-log.${format}"`,
      },
      body: null,
      // as fast as the client reads; a failure, or a client that goes, cuts the answer short
      stream: (response) =>
        void pipeline(Readable.from(lines), response).catch(() => response.destroy()),
    };
  },
});

function filterOf(query: z.output<typeof auditExportQuery> | z.output<typeof auditQuery>) {
  const { actor, action, target, since, until } = query;
  const bySystem = actor === "system";
  const actorId = bySystem ? undefined : actor;
  return { actorId, bySystem, action, targetId: target, since, until };
}

async function* readAll(
  { lookups }: Pick<HttpContext, "lookups">,
  accountId: string,
  filter: AuditFilter,
): AsyncGenerator<AuditEvent[]> {
  let before: string | undefined;
  for (let count = 0; count < MAX_EXPORTED; count += EXPORT_PAGE) {
    const page = await listAuditEvents(lookups, accountId, {
      ...filter,
      before,
      limit: EXPORT_PAGE,
    });
    yield page;
    if (page.length < EXPORT_PAGE) return;
    before = page.at(-1)!.id;
  }
}

async function* linesOf(
  head: string,
  pages: AsyncGenerator<AuditEvent[]>,
  lineOf: (event: AuditEvent) => string,
): AsyncGenerator<string> {
  yield head;
  for await (const page of pages) yield page.map(lineOf).join("");
}

export const auditRoutes: Route[] = [list, exported];
