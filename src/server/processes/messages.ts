import type { Role } from "../../config.ts";

/** What one of several processes needs beside its environment. */
export interface ProcessShare {
  /** From 1 on. */
  number: number;
  /** How many processes there are. */
  of: number;
  /** The port that all of them listen on. */
  port: number;
  databaseUrl: string;
}

/** From the supervisor to a process. */
export type ToProcess =
  | { kind: "start"; share: ProcessShare; roles: Role[]; readableLog: boolean }
  | { kind: "stop" }
  /** Asks for the metrics of this process. */
  | { kind: "page"; id: number }
  /** The metrics of the others, which this process has asked for. */
  | { kind: "pages"; id: number; pages: string[] };

/** From a process to its supervisor. */
export type FromProcess =
  | { kind: "ready"; url: string; apiKey: string | null }
  /** A start that failed; `lasting`: because of a setting, so that the next would fail as well. */
  | { kind: "failed"; reason: string; lasting: boolean }
  | { kind: "page"; id: number; page: string }
  | { kind: "pages"; id: number };
