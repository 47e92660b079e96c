// A job type of one's own. Start the service with RINGBACK_JOB_TYPES=./docs/examples/word-count.ts
import { setImmediate as nextTurn } from "node:timers/promises";
import { defineJobType, JobError } from "ringback";
import { z } from "zod";

export default defineJobType({
  name: "text.word-count",
  description: "Counts the words of a text and names the most frequent ones.",
  input: z.object({
    text: z.string(),
    top: z.int().min(1).max(1_000).default(10),
  }),
  result: z.object({
    words: z.int(),
    distinct: z.int(),
    top: z.array(z.object({ word: z.string(), count: z.int() })),
  }),
  timeoutSeconds: 60,
  maxRuns: 2,

  async run({ input, signal, progress, log }) {
    const words = input.text.toLowerCase().match(/\p{L}+/gu) ?? [];
    // A JobError is final unless it says otherwise; any other throw is tried again.
    if (words.length === 0) throw new JobError("the text has no words", { code: "no_words" });

    const counts = new Map<string, number>();
    for (const [index, word] of words.entries()) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      if (index % 100_000 === 0) {
        // Long work yields regularly, or a cancellation could not reach it.
        await nextTurn();
        signal.throwIfAborted();
        progress(index / words.length, `${index} of ${words.length} words`);
      }
    }

    log("counted", { words: words.length, distinct: counts.size });
    const ranked = [...counts].toSorted(([, a], [, b]) => b - a);
    return {
      words: words.length,
      distinct: counts.size,
      top: ranked.slice(0, input.top).map(([word, count]) => ({ word, count })),
    };
  },
});
