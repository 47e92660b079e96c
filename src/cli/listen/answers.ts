import { InvalidArgumentError } from "commander";

export interface AnswerOptions {
  status: number;
  sequence?: number[];
  delay: number;
}

/** The statuses of the answers to genuine calls, in turn; the last one stays. */
export function createAnswers({ status, sequence = [status] }: AnswerOptions): () => number {
  const left = [...sequence];
  return () => (left.length > 1 ? left.shift()! : (left[0] ?? status));
}

export function parseStatus(text: string): number {
  const status = Number(text);
  if (!/^\d{3}$/.test(text) || status < 200 || status > 599) {
    throw new InvalidArgumentError(`${JSON.stringify(text)} is no status from 200 to 599.`);
  }
  return status;
}

export function parseSequence(text: string): number[] {
  return text.split(",").map((part) => parseStatus(part.trim()));
}
