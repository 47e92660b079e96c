import { Accounts } from "./accounts.ts";
import { Audit } from "./audit.ts";
import { ApiKeys } from "./api-keys.ts";
import { JobTypeCatalogue } from "./job-types.ts";
import { Lanes } from "./lanes.ts";
import { Messages } from "./messages.ts";
import { PortalSessions } from "./portal-sessions.ts";
import { Signing } from "./signing.ts";
import { createKeyCaller } from "./caller.ts";
import type {
  AnswerOf,
  Call,
  ApiCaller,
  CallOptions,
  OperationName,
  QueryOf,
  RingbackOptions,
} from "./caller.ts";
import { DeadLetters, Deliveries, Replays } from "./deliveries.ts";
import { Endpoints } from "./endpoints.ts";
import { Jobs } from "./jobs.ts";
import type { JobTypes } from "./jobs.ts";
import type { Overview, SearchAnswer, Settings, Stats, Worker } from "./openapi-types.ts";

/**
 * A client of the Ringback API, for Node, browsers and edge runtimes. Fields have the names of the
 * API; every call takes a `signal` and a `timeoutMs` in its last argument.
 *
 * `new Ringback<{ "csv.summary": { input: …; result: … } }>()` types the jobs it submits.
 */
export class Ringback<Types extends JobTypes = JobTypes> {
  readonly #caller: ApiCaller;
  readonly jobs: Jobs<Types>;
  readonly jobTypes: JobTypeCatalogue;
  readonly endpoints: Endpoints;
  readonly messages: Messages;
  readonly deliveries: Deliveries;
  readonly deadLetters: DeadLetters;
  readonly replays: Replays;
  readonly signing: Signing;
  readonly lanes: Lanes;
  readonly apiKeys: ApiKeys;
  readonly audit: Audit;
  readonly accounts: Accounts;
  readonly portalSessions: PortalSessions;

  /** @throws TypeError the options are no good */
  constructor(options: RingbackOptions = {}) {
    this.#caller = createKeyCaller(options);
    this.jobs = new Jobs(this.#caller);
    this.jobTypes = new JobTypeCatalogue(this.#caller);
    this.endpoints = new Endpoints(this.#caller);
    this.messages = new Messages(this.#caller);
    this.deliveries = new Deliveries(this.#caller);
    this.deadLetters = new DeadLetters(this.#caller);
    this.replays = new Replays(this.#caller);
    this.signing = new Signing(this.#caller);
    this.lanes = new Lanes(this.#caller);
    this.apiKeys = new ApiKeys(this.#caller);
    this.audit = new Audit(this.#caller);
    this.accounts = new Accounts(this.#caller);
    this.portalSessions = new PortalSessions(this.#caller);
  }

  /** What is going on right now. */
  async overview(options: CallOptions = {}): Promise<Overview> {
    return await this.request("GET /v1/overview", options);
  }

  /** Finds things by what is in hand: ids of any kind, metadata, URLs, names. */
  async search(text: string, options: CallOptions = {}): Promise<SearchAnswer> {
    return await this.request("GET /v1/search", { query: { q: text }, ...options });
  }

  /** Numbers over time: the last hour by minutes, unless the query says otherwise. */
  async stats(query: QueryOf<"GET /v1/stats"> = {}, options: CallOptions = {}): Promise<Stats> {
    return await this.request("GET /v1/stats", { query, ...options });
  }

  async workers(options: CallOptions = {}): Promise<Worker[]> {
    return (await this.request("GET /v1/workers", options)).data;
  }

  async settings(options: CallOptions = {}): Promise<Settings> {
    return await this.request("GET /v1/settings", options);
  }

  /** Any call of the API by its method and path: `request("GET /v1/jobs", { query: … })`. */
  async request<Name extends OperationName>(
    name: Name,
    call: Call<Name> = {},
  ): Promise<AnswerOf<Name>> {
    return (await this.#caller.call(name, call)).body;
  }
}
