import { Ringback } from "../../client/ringback.ts";
import { RingbackError } from "../../client/errors.ts";
import { fail, ok, warn } from "./check.ts";
import type { Finding } from "./check.ts";

const PATIENCE_MS = 5_000;

/** Whether a server answers at an address, and says it is ready. */
export async function checkUrl(name: string, url: string, advice: string): Promise<Finding> {
  try {
    const answer = await fetch(`${url}/readyz`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: "manual",
    });
    const { status, reasons = [] } = (await answer.json()) as {
      status?: string;
      reasons?: string[];
    };
    if (status === "ready") return ok(name, `${url} is ready`);
    return fail(name, `${url} answers ${answer.status}: ${reasons.join(", ")}`, advice);
  } catch (error) {
    const { message, cause } = error as Error;
    const why = cause instanceof Error && cause.message !== "" ? cause.message : message;
    return fail(name, `${url} can't be reached (${why})`, advice);
  }
}

export async function checkApiKey(url: string, apiKey: string | null): Promise<Finding> {
  const name = "api key";
  if (apiKey === null) {
    return warn(name, "there is none", "give it by --api-key or RINGBACK_API_KEY");
  }
  try {
    const client = new Ringback({ apiKey, baseUrl: url, maxRetries: 0, timeoutMs: PATIENCE_MS });
    await client.request("GET /v1/overview");
    return ok(name, "is accepted");
  } catch (error) {
    const detail = error instanceof RingbackError ? error.detail : (error as Error).message;
    return fail(name, detail, "give a valid one by --api-key or RINGBACK_API_KEY");
  }
}
