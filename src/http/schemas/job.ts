import { z } from "zod";
import { JOB_WAIT_REASONS } from "../../core/job-wait.ts";
import {
  DEFAULT_CALLBACK_EVENTS,
  JOB_EVENTS,
  JOB_STATUSES,
  INLINE_RESULT_BYTES,
  MAX_LISTED_INPUT,
  SIGNATURE_VERSIONS,
} from "../../core/model.ts";
import {
  cappedCount,
  exampleId,
  idParam,
  idText,
  jsonObject,
  listParam,
  metadataParam,
  pageQuery,
  timeRangeQuery,
  timeText,
} from "./common.ts";
import {
  deliveryTimeout,
  finalStatus,
  giveUpAfter,
  headersInput,
  headersText,
  MAX_EVENTS,
  retryInput,
  SECRET_FORM,
  secretInput,
  signatureVersions,
  urlInput,
} from "./receiver.ts";

const MAX_CALLBACKS = 20;

const callbackEvents = z
  .array(z.string())
  .max(MAX_EVENTS)
  .meta({
    description: `Of ${JOB_EVENTS.join(", ")}. Empty: all but job.progress. Left out: ${DEFAULT_CALLBACK_EVENTS.join(", ")}.`,
    example: ["job.completed"],
  });

const URL_ONLY = [
  "headers",
  "secret",
  "retry",
  "final_status",
  "give_up_after_s",
  "timeout_s",
  "signatures",
  "ordered",
] as const;

const callbackInput = z
  .strictObject({
    url: urlInput.exactOptional(),
    endpoint_id: idParam("endpoint").exactOptional(),
    events: callbackEvents.exactOptional(),
    headers: headersInput.exactOptional(),
    secret: secretInput.exactOptional().meta({
      description: `Signs \`v1\` in place of the secret of the URL's origin; ${SECRET_FORM}. Never shown again.`,
    }),
    retry: retryInput.exactOptional(),
    final_status: finalStatus.exactOptional(),
    give_up_after_s: giveUpAfter.exactOptional(),
    timeout_s: deliveryTimeout.exactOptional(),
    signatures: signatureVersions.exactOptional(),
    ordered: z.boolean().exactOptional().meta({ description: "One at a time, in order of events" }),
  })
  .superRefine((callback, context) => {
    if ((callback.url === undefined) === (callback.endpoint_id === undefined)) {
      const message = "must have exactly one of url and endpoint_id";
      context.addIssue({ code: "custom", message, path: [] });
    } else if (callback.endpoint_id !== undefined) {
      for (const field of URL_ONLY) {
        if (callback[field] === undefined) continue;
        const message = "can't be set together with endpoint_id: the endpoint has its own";
        context.addIssue({ code: "custom", message, path: [field] });
      }
    } else if (callback.secret !== undefined && callback.signatures?.includes("v1") === false) {
      const message = "signs v1, which signatures leaves out";
      context.addIssue({ code: "custom", message, path: ["secret"] });
    }
  })
  .meta({
    id: "CallbackInput",
    description:
      "A receiver: a URL, or a registered endpoint whose own settings apply and whose event filter is replaced for this job. Exactly one of `url` and `endpoint_id`.",
    example: { url: "https://example.com/hooks", events: ["job.completed", "job.failed"] },
  });

export const jobInput = z
  .strictObject({
    type: z.string().min(1).max(100).meta({
      description: "Name of a job type",
      example: "demo.echo",
    }),
    input: z
      .unknown()
      .refine((value) => value !== undefined, "is required")
      .meta({
        description: "Anything the job type's input schema accepts; kept as posted, digit by digit",
      }),
    callback_url: urlInput.exactOptional().meta({
      description: "Short for one more callback with the default events",
      example: "https://example.com/hooks",
    }),
    callbacks: z.array(callbackInput).max(MAX_CALLBACKS).default([]),
    timeout_s: z.int().min(1).max(86_400).exactOptional().meta({
      description: "Longest a run may take; the job type's own limit by default",
    }),
    metadata: jsonObject.default({}).meta({
      description:
        "Yours; comes back as posted with the job and each of its events. At most 16 KiB, whitespace between tokens aside.",
    }),
  })
  .meta({
    id: "JobInput",
    example: {
      type: "demo.echo",
      input: { hello: "world" },
      callback_url: "https://example.com/hooks",
      metadata: { order: "A-1001" },
    },
  });

const callbackOutput = z
  .strictObject({
    url: z.string().optional(),
    endpoint_id: idText("endpoint").optional(),
    events: z.array(z.string()),
    headers: headersText.optional(),
    retry: z
      .strictObject({
        max_attempts: z.number().optional(),
        base_s: z.number().optional(),
        factor: z.number().optional(),
        cap_s: z.number().optional(),
        delays_s: z.array(z.number()).optional(),
      })
      .optional(),
    final_status: z.array(z.number()).optional(),
    give_up_after_s: z.number().optional(),
    timeout_s: z.number().optional(),
    signatures: z.array(z.enum(SIGNATURE_VERSIONS)).optional(),
    ordered: z.boolean().optional(),
    signing: z
      .strictObject({
        secret: z.enum(["origin", "own"]).meta({
          description: "That of the URL's origin, or the one that was given with the callback",
        }),
        secret_url: z.string().optional().meta({
          description: "Where that of the origin is read, with a key of the scope `webhooks`",
        }),
      })
      .optional()
      .meta({ description: "What signs `v1` of the calls to this URL; absent when nothing does" }),
  })
  .meta({ id: "Callback" });

export const jobError = z.strictObject({ code: z.string(), message: z.string() });

const jobId = exampleId("job");
const base = `https://ringback.example/v1/jobs/${jobId}`;

export const job = z
  .strictObject({
    id: idText("job"),
    type: z.string(),
    status: z.enum(JOB_STATUSES),
    input: z
      .unknown()
      .optional()
      .meta({
        description: `As posted. Left out in lists when it has more than ${MAX_LISTED_INPUT} bytes`,
      }),
    input_bytes: z.int().meta({ description: "Length of the input as JSON text" }),
    metadata: jsonObject,
    progress: z.strictObject({
      fraction: z.number().min(0).max(1),
      message: z.string().nullable(),
      data: z.unknown().optional().meta({ description: "Intermediate results" }),
    }),
    waiting_for: z
      .strictObject({
        reason: z.enum(JOB_WAIT_REASONS).meta({
          description:
            "`run_at`: its time has not come. `threads`: all threads compute other jobs. `process`: no process that computes has taken it.",
        }),
        detail: z.string().meta({ example: "4 of 4 threads busy" }),
        until: timeText.nullable().meta({ description: "It runs at this time or later" }),
        ahead: cappedCount.optional().meta({
          description: "How many of the account's jobs are due before it; not in lists",
        }),
      })
      .nullable()
      .meta({
        id: "JobWait",
        description:
          "What a pending job waits for; null: nothing in particular, or not pending. Null in the answer to a submission",
      }),
    eta: timeText.nullable().meta({
      description: "When it will end if it goes on at its pace so far",
    }),
    run: z.int().meta({ description: "How many times it was started" }),
    timeout_s: z.int(),
    result: z
      .unknown()
      .optional()
      .meta({
        description: `As it was computed, once completed. Left out in lists, and when it has more than ${INLINE_RESULT_BYTES} bytes: \`result_url\` has it`,
      }),
    result_url: z.string().nullable().meta({ description: "Set once completed" }),
    error: jobError.nullable().meta({ description: "Set once failed or canceled" }),
    callbacks: z.array(callbackOutput),
    request_id: z.string(),
    retry_of: idText("job")
      .nullable()
      .meta({ description: "The failed job that this one repeats" }),
    cancel_requested_at: timeText.nullable(),
    created_at: timeText,
    started_at: timeText.nullable(),
    finished_at: timeText.nullable(),
    urls: z.strictObject({
      self: z.string(),
      status: z.string(),
      result: z.string(),
      cancel: z.string(),
      deliveries: z.string(),
    }),
  })
  .meta({
    id: "Job",
    example: {
      id: jobId,
      type: "demo.echo",
      status: "completed",
      input: { hello: "world" },
      input_bytes: 17,
      metadata: { order: "A-1001" },
      progress: { fraction: 1, message: null },
      waiting_for: null,
      eta: null,
      run: 1,
      timeout_s: 600,
      result: { hello: "world" },
      result_url: `${base}/result`,
      error: null,
      callbacks: [
        {
          url: "https://example.com/hooks",
          events: [...DEFAULT_CALLBACK_EVENTS],
          signing: {
            secret: "origin",
            secret_url:
              "https://ringback.example/v1/signing-secret?origin=https%3A%2F%2Fexample.com",
          },
        },
      ],
      request_id: "b9a1d0c2-5a53-4f8e-9c7e-0f3c9f1f2a10",
      retry_of: null,
      cancel_requested_at: null,
      created_at: "2026-11-21T10:15:30.000Z",
      started_at: "2026-11-21T10:15:30.004Z",
      finished_at: "2026-11-21T10:15:30.009Z",
      urls: {
        self: base,
        status: `${base}/status`,
        result: `${base}/result`,
        cancel: `${base}/cancel`,
        deliveries: `${base}/deliveries`,
      },
    },
  });

const jobTypeName = z.string().regex(/^[a-zA-Z0-9_.-]{1,100}$/, "must be the name of a job type");

export const jobsQuery = z.strictObject({
  status: listParam(z.enum(JOB_STATUSES)),
  not_status: listParam(z.enum(JOB_STATUSES), "None of these"),
  type: listParam(jobTypeName),
  not_type: listParam(jobTypeName, "None of these"),
  metadata: metadataParam.optional(),
  ...timeRangeQuery,
  ...pageQuery,
});

export const jobType = z
  .strictObject({
    name: z.string(),
    description: z.string().nullable(),
    timeout_s: z.number(),
    max_runs: z.number(),
    input_schema: jsonObject.meta({ description: "JSON Schema 2020-12" }),
    result_schema: jsonObject.meta({ description: "JSON Schema 2020-12" }),
  })
  .meta({ id: "JobType" });

export const failedJobGroup = z
  .strictObject({
    type: z.string(),
    error_code: z.string(),
    count: z.int(),
    first_at: timeText.meta({ description: "When the first of them failed" }),
    last_at: timeText,
    error_message: z.string().nullable().meta({ description: "Of the last one" }),
    last_job_id: idText("job"),
  })
  .meta({ id: "FailedJobGroup" });

/** Bodies of answers. */
export type JobBody = z.input<typeof job>;
export type FailedJobGroupBody = z.input<typeof failedJobGroup>;
