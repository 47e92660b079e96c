import { jest } from "@jest/globals";

// A busy machine misses a time limit now and then. What fails twice is wrong; the first failure is
// shown as well.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
