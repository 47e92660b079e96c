import dayjs from "dayjs";
import utc from "dayjs/plugin/utc";
import { layOutJson } from "../../core/json-text.ts";
import { durationText } from "../../core/times.ts";
import type { Count } from "../api/types.ts";

dayjs.extend(utc);

const NUMBER = new Intl.NumberFormat("en");

export function number(value: number): string {
  return NUMBER.format(value);
}

/** A count that may have stopped at its bound. */
export function count({ count: value, more }: Count): string {
  return more ? `${number(value)}+` : number(value);
}

export function percent(share: number | null): string {
  if (share === null) return "–";
  // 99.96 % must not look like "everything"
  const floored = Math.floor(share * 1_000) / 10;
  return `${share === 1 ? 100 : floored} %`;
}

/** `"850 ms"`, `"12.4 s"`, `"3 min 5 s"`, `"2 h 10 min"`, `"4 d 3 h"` */
export function duration(ms: number): string {
  return ms < 1 ? "< 1 ms" : durationText(ms);
}

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** `"now"`, `"12 s ago"`, `"in 3 min"`: one unit is enough at a glance. */
export function relative(at: string, now: number): string {
  const seconds = Math.round((Date.parse(at) - now) / 1_000);
  const size = Math.abs(seconds);
  const [step, unit] = STEPS.find(([one]) => size >= one) ?? [1, "s"];
  if (size < 1) return "now";
  const text = `${Math.floor(size / step)} ${unit}`;
  return seconds < 0 ? `${text} ago` : `in ${text}`;
}

export function localTime(at: string): string {
  return dayjs(at).format("YYYY-MM-DD HH:mm:ss.SSS Z");
}

export function utcTime(at: string): string {
  return dayjs(at).utc().format("YYYY-MM-DD HH:mm:ss.SSS [UTC]");
}

export function clockTime(at: string): string {
  return dayjs(at).format("HH:mm:ss.SSS");
}

/** The label of a point on a time axis. */
export function axisTime(at: string, stepS: number): string {
  return dayjs(at).format(stepS >= 86_400 ? "D MMM" : stepS >= 3_600 ? "D MMM HH:mm" : "HH:mm");
}

export function json(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "";
}

/** JSON text laid out for reading, nothing else of it changed; any other text as it is. */
export function prettyBody(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  return layOutJson(text);
}
