import type { CallOptions, ApiCaller } from "./caller.ts";
import { JobFailedError, RingbackError } from "./errors.ts";
import { hasEnded, jobActivity } from "./job-activity.ts";
import type { ActivityOptions, JobActivity, JobChange } from "./job-activity.ts";
import type { Delivery, Job as JobData, TimelineEntry } from "./openapi-types.ts";
import { Pages } from "./pages.ts";
import { pause, retryAfterMs } from "./retry.ts";
import { withTimeout } from "./with-timeout.ts";

/** How long one answer is held back; proxies often cut what is silent for a minute. */
const LONGEST_WAIT_S = 25;

export interface WaitOptions extends CallOptions {
  /** How long to wait for the job in all. Default: until it ends. */
  timeoutMs?: number | undefined;
}

/** A job, as it was when last looked at, and what can be done with it. */
export class Job<Result = unknown> {
  readonly #caller: ApiCaller;
  #data: JobData;

  constructor(caller: ApiCaller, data: JobData) {
    this.#caller = caller;
    this.#data = data;
  }

  /** All that the API tells of it. */
  get data(): JobData {
    return this.#data;
  }

  get id(): string {
    return this.#data.id;
  }

  get status(): JobData["status"] {
    return this.#data.status;
  }

  get progress(): JobData["progress"] {
    return this.#data.progress;
  }

  /** Whether it has reached its end. */
  get ended(): boolean {
    return hasEnded(this.#data);
  }

  toJSON(): JobData {
    return this.#data;
  }

  /** Looks again. */
  async refresh(options: CallOptions = {}): Promise<this> {
    const { body } = await this.#caller.call("GET /v1/jobs/{id}", { id: this.id, ...options });
    this.#data = body;
    return this;
  }

  /**
   * Waits until it has ended, however it did.
   * @throws RingbackError `timed_out`
   */
  async wait(options: WaitOptions = {}): Promise<this> {
    const late = (): RingbackError => {
      const detail = `${this.id} has not ended within ${options.timeoutMs} ms; it is ${this.status}`;
      return new RingbackError({ code: "timed_out", detail });
    };
    await withTimeout(options, late, async (signal) => {
      while (!this.ended) {
        const call = { id: this.id, waitS: LONGEST_WAIT_S, signal };
        const { body, headers } = await this.#caller.call("GET /v1/jobs/{id}", call);
        this.#data = body;
        // one that does not hold answers back, a proxy perhaps, is asked at its own pace
        if (!this.ended && !headers.has("preference-applied")) {
          await pause(Math.max(500, retryAfterMs(headers.get("retry-after"))), signal);
        }
      }
    });
    return this;
  }

  /**
   * Waits for the end and gives the result.
   * @throws JobFailedError it failed or was canceled
   * @throws RingbackError `timed_out`, or a call that did not work
   */
  async result(options: WaitOptions = {}): Promise<Result> {
    await this.wait(options);
    if (this.status !== "completed") throw new JobFailedError(this.#data);
    if ("result" in this.#data) return this.#data.result as Result;
    const { signal } = options;
    const { body } = await this.#caller.call("GET /v1/jobs/{id}/result", { id: this.id, signal });
    return body as Result;
  }

  /**
   * Follows it to its end: the job as it is, then what happens to it. Lost connections are taken up where
   * they broke off.
   */
  activity(options: ActivityOptions = {}): AsyncGenerator<JobActivity, void, void> {
    return jobActivity(this.#caller, this.id, options, (told) => this.#update(told));
  }

  /** Takes in the job as told, or what has changed of it; what is older than known changes nothing. */
  #update(news: JobData | JobChange): void {
    if ("id" in news) this.#data = news;
    else if (!this.ended && news.run >= this.#data.run) {
      const started_at = this.#data.started_at ?? news.at;
      const { run, progress } = news;
      this.#data = { ...this.#data, status: "running", run, progress, started_at };
    }
  }

  /** Ends it: at once when it is pending, soon when it is running. */
  async cancel(options: CallOptions = {}): Promise<this> {
    const call = { id: this.id, body: {}, ...options };
    const { body } = await this.#caller.call("POST /v1/jobs/{id}/cancel", call);
    this.#data = body;
    return this;
  }

  /** What happened to it so far, with its deliveries and their attempts, in order of time. */
  async timeline(options: CallOptions = {}): Promise<TimelineEntry[]> {
    const call = { id: this.id, ...options };
    return (await this.#caller.call("GET /v1/jobs/{id}/timeline", call)).body.data;
  }

  /** Its webhooks. */
  deliveries(options: CallOptions = {}): Pages<Delivery> {
    return new Pages(async (cursor, given) => {
      const query = cursor === undefined ? {} : { cursor };
      const call = { id: this.id, query, ...given };
      return (await this.#caller.call("GET /v1/jobs/{id}/deliveries", call)).body;
    }, options);
  }
}
