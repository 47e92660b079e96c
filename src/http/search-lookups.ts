import { formatId, ID_PREFIXES, parseId, type IdKind } from "../core/ids.ts";
import { MAX_UNPAGED, type Scope } from "../core/model.ts";
import {
  pairHash,
  pairsOf,
  REQUEST_MS,
  requestHash,
  timeOf,
  valueHashes,
} from "../core/search-keys.ts";
import { getApiKey } from "../db/accounts/api-keys.ts";
import { listEndpoints } from "../db/accounts/endpoint-lists.ts";
import { getEndpoint } from "../db/accounts/endpoints.ts";
import { getDelivery } from "../db/deliveries/deliveries.ts";
import { getReplay } from "../db/deliveries/replays.ts";
import { findIdempotencyRecords } from "../db/idempotency.ts";
import {
  findByCallback,
  findByIds,
  findByRequest,
  listEventTypes,
  type Found,
} from "../db/search.ts";
import { findByHash } from "../db/search-keys.ts";
import type { Reader } from "../db/transaction.ts";
import type { HttpContext } from "./http-context.ts";
import type { HitBody, LookedAt } from "./schemas/search.ts";

/** Hits of one kind of look-up. */
const MOST_HITS = 20;
/** Rows of a key that are compared with the text. */
const CANDIDATES = 2 * MOST_HITS;
const DAY_MS = 86_400_000;

export interface Wanted {
  accountId: string;
  text: string;
  reader: Reader;
}

/** One way to look for a text: a bounded statement or two, each along an index. */
export interface Lookup {
  what: LookedAt;
  /** Any of these scopes shows its hits. */
  scopes: readonly Scope[];
  /** Whether the text can be one. */
  fits(text: string): boolean;
  find(wanted: Wanted): Promise<HitBody[]>;
  /** How far back it looks; absent: at all that there is. */
  since?: Date;
  note?: string;
}

type Context = Pick<HttpContext, "config" | "jobTypes" | "now">;

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

export function lookups(context: Context): Lookup[] {
  const { jobsDays, deliveriesDays } = context.config.retention;
  const ago = (days: number): Date => new Date(context.now().getTime() - days * DAY_MS);
  const kept = ago(Math.max(jobsDays, deliveriesDays));
  return [
    ...idLookups,
    {
      what: "request_id",
      scopes: ["jobs:read", "webhooks:read"],
      fits: (text) => REQUEST_ID.test(text),
      find: findRequest,
      since: kept,
      note: "a request that made no job and no message left nothing to find",
    },
    {
      what: "idempotency_key",
      scopes: ["jobs:read", "webhooks:read"],
      fits: (text) => /^[ -~]{1,255}$/.test(text),
      find: findKey,
      since: ago(1),
    },
    {
      what: "metadata",
      scopes: ["jobs:read", "webhooks:read"],
      fits: () => true,
      find: findMetadata,
      since: kept,
      note: "values as a whole, of the first 20 members that are texts, numbers, true or false",
    },
    {
      what: "callback_url",
      scopes: ["webhooks:read"],
      fits: (text) => urlOf(text) !== null,
      find: findCallbackUrl,
      since: ago(deliveriesDays),
      note: "among the newest 20,000 deliveries",
    },
    { what: "endpoint", scopes: ["webhooks:read"], fits: () => true, find: findEndpoints },
    {
      what: "event_type",
      scopes: ["webhooks:read"],
      fits: (text) => /^[a-zA-Z0-9_.:-]{1,100}$/.test(text),
      find: findEventTypes,
      since: ago(deliveriesDays),
    },
    {
      what: "job_type",
      scopes: ["jobs:read"],
      fits: () => true,
      find: async ({ text }) =>
        context.jobTypes
          .names()
          .filter((name) => includes(name, text))
          .slice(0, MOST_HITS)
          .map((name) => typeHit("job_type", name, `/v1/jobs?type=${encodeURIComponent(name)}`)),
    },
  ];
}

const ID_KINDS: { kinds: IdKind[]; scopes: Scope[] }[] = [
  { kinds: ["job"], scopes: ["jobs:read"] },
  { kinds: ["message", "delivery", "endpoint", "replay"], scopes: ["webhooks:read"] },
  { kinds: ["key"], scopes: ["admin:read"] },
];

const idLookups = ID_KINDS.map(({ kinds, scopes }): Lookup => ({
  what: "id",
  scopes,
  fits: (text) => kinds.some((kind) => text.startsWith(`${ID_PREFIXES[kind]}_`)),
  async find(wanted) {
    for (const kind of kinds) {
      const id = parseId(kind, wanted.text);
      if (id !== null) return await findId(kind, id, wanted);
    }
    return [];
  },
}));

async function findId(kind: IdKind, id: string, { accountId, text, reader }: Wanted) {
  const hit = (named: HitBody["kind"], label: string, at: Date | null, path: string): HitBody[] => [
    { kind: named, id: text, by: "id", label, at: at?.toISOString() ?? null, path },
  ];
  if (kind === "job" || kind === "message") {
    const found = await findByIds(reader, accountId, [id]);
    return found.filter((one) => one.kind === kind).map((one) => foundHit(one, "id"));
  }
  if (kind === "delivery") {
    const one = await getDelivery(reader, accountId, id);
    const label = one === null ? "" : `${one.event_type} to ${one.url}: ${one.status}`;
    return one === null ? [] : hit("delivery", label, one.created_at, `/v1/deliveries/${text}`);
  }
  if (kind === "endpoint") {
    const one = await getEndpoint(reader, accountId, id);
    const label = one === null ? "" : one.description || one.url;
    return one === null ? [] : hit("endpoint", label, one.created_at, `/v1/endpoints/${text}`);
  }
  if (kind === "replay") {
    const one = await getReplay(reader, accountId, id);
    const label = one === null ? "" : `${one.action}, ${one.status}`;
    return one === null ? [] : hit("replay", label, one.created_at, `/v1/replays/${text}`);
  }
  const one = await getApiKey(reader, accountId, id);
  return one === null ? [] : hit("api_key", one.name, one.created_at, "/v1/api-keys");
}

async function findRequest({ accountId, text, reader }: Wanted): Promise<HitBody[]> {
  const hash = requestHash(accountId, text);
  const ids = await findByHash(reader, { from: hash, to: hash }, CANDIDATES);
  const keyed = await findByIds(reader, accountId, ids);
  const at = timeOf(text);
  const timed =
    at === null
      ? []
      : await findByRequest(
          reader,
          accountId,
          {
            id: text,
            from: new Date(at - REQUEST_MS.before),
            to: new Date(at + REQUEST_MS.after),
          },
          MOST_HITS,
        );
  return [...keyed.filter(({ request_id }) => request_id === text), ...timed]
    .slice(0, MOST_HITS)
    .map((one) => foundHit(one, "request_id"));
}

/** The job or message that the first request with a key made: its answer names it. */
async function findKey({ accountId, text, reader }: Wanted): Promise<HitBody[]> {
  const [record] = await findIdempotencyRecords(reader, [{ accountId, key: text }]);
  if (record === undefined) return [];
  const { headers, body } = record.response;
  const named = /(?:job|msg)_[0-9a-z]{26}/.exec(
    headers["location"] ?? (record.sealed ? "" : body.slice(0, 200)),
  )?.[0];
  const id = named && (parseId("job", named) ?? parseId("message", named));
  if (!id) return [];
  const found = await findByIds(reader, accountId, [id]);
  return found.map((one) => foundHit(one, "idempotency_key"));
}

async function findMetadata({ accountId, text, reader }: Wanted): Promise<HitBody[]> {
  const equals = text.indexOf("=");
  const ranges = [valueHashes(accountId, text)];
  if (equals > 0) {
    const hash = pairHash(accountId, text.slice(0, equals), text.slice(equals + 1));
    ranges.push({ from: hash, to: hash });
  }
  const ids = new Set<string>();
  for (const range of ranges) {
    for (const id of await findByHash(reader, range, CANDIDATES)) ids.add(id);
  }
  if (ids.size === 0) return [];
  return (await findByIds(reader, accountId, [...ids]))
    .filter(({ metadata }) =>
      pairsOf(metadata).some(([name, value]) => value === text || `${name}=${value}` === text),
    )
    .slice(0, MOST_HITS)
    .map((one) => foundHit(one, "metadata"));
}

async function findCallbackUrl({ accountId, text, reader }: Wanted): Promise<HitBody[]> {
  const url = urlOf(text)!;
  const isOrigin = url.pathname === "/" && url.search === "";
  const wanted = { origin: url.origin, url: isOrigin ? null : text };
  const found = await findByCallback(reader, accountId, wanted, MOST_HITS);
  return found.map(({ id, event_type, status, url: to, created_at }) => ({
    kind: "delivery",
    id: formatId("delivery", id),
    by: "callback_url",
    label: `${event_type} to ${to}: ${status}`,
    at: created_at.toISOString(),
    path: `/v1/deliveries/${formatId("delivery", id)}`,
  }));
}

async function findEndpoints({ accountId, text, reader }: Wanted): Promise<HitBody[]> {
  const endpoints = await listEndpoints(reader, accountId, { limit: MAX_UNPAGED });
  return endpoints
    .filter(({ url, description }) => includes(`${description} ${url}`, text))
    .slice(0, MOST_HITS)
    .map(({ id, url, description, created_at }) => ({
      kind: "endpoint",
      id: formatId("endpoint", id),
      by: "endpoint",
      label: description === "" ? url : `${description} (${url})`,
      at: created_at.toISOString(),
      path: `/v1/endpoints/${formatId("endpoint", id)}`,
    }));
}

async function findEventTypes({ accountId, text, reader }: Wanted): Promise<HitBody[]> {
  const types = [...(await listEventTypes(reader, accountId)), "job.completed"];
  return types
    .filter((type) => includes(type, text))
    .slice(0, MOST_HITS)
    .map((type) => typeHit("event_type", type, `/v1/messages?type=${encodeURIComponent(type)}`));
}

function foundHit(found: Found, by: LookedAt): HitBody {
  const { kind, type, status, metadata, created_at } = found;
  const id = formatId(kind, found.id);
  const pairs = pairsOf(metadata).slice(0, 3);
  const about = pairs.map(([name, value]) => `${name}=${value}`).join(" ");
  return {
    kind,
    id,
    by,
    label: `${type}${status === null ? "" : `: ${status}`}${about === "" ? "" : ` (${about})`}`,
    at: created_at.toISOString(),
    path: `/v1/${kind === "job" ? "jobs" : "messages"}/${id}`,
  };
}

function typeHit(kind: "event_type" | "job_type", name: string, path: string): HitBody {
  return { kind, id: name, by: kind, label: name, at: null, path };
}

function includes(text: string, part: string): boolean {
  return text.toLowerCase().includes(part.toLowerCase());
}

function urlOf(text: string): URL | null {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url : null;
}
