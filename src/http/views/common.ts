import { formatId, type IdKind } from "../../core/ids.ts";

export function isoTime(time: Date): string;
export function isoTime(time: Date | null): string | null;
export function isoTime(time: Date | null): string | null {
  return time === null ? null : time.toISOString();
}

export function idOrNull(kind: IdKind, uuid: string | null): string | null {
  return uuid === null ? null : formatId(kind, uuid);
}

/** The object without undefined members. */
export function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
