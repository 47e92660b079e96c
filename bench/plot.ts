import type { Figure } from "./figure.ts";
import { goalText, ratioText } from "./report-text.ts";

const ROW = 24;
const LABELS = 340;
const BARS = 360;
const NOTES = 140;
const TOP = 56;
/** What is this many times better than its goal fills the width. */
const FULL = 3;
const MET = "#2f9e44";
const MISSED = "#e03131";

/** How far each figure is from its goal: 1 is just met, 2 is twice as good. */
export function plotFigures(figures: readonly Figure[], caption: string): string {
  const rows = figures.filter(({ goal }) => goal !== null);
  const width = LABELS + BARS + NOTES;
  const height = TOP + rows.length * ROW + 16;
  const goalX = LABELS + BARS / FULL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13" fill="#212529">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(12, 22, "Measured against the goal", ` font-weight="bold"`),
    text(12, 42, caption, ` fill="#868e96" font-size="11"`),
    ...rows.map((one, index) => row(one, TOP + index * ROW)),
    `<line x1="${goalX}" x2="${goalX}" y1="${TOP - 6}" y2="${height - 8}" stroke="#212529" stroke-dasharray="3 3"/>`,
    text(goalX + 4, TOP - 8, "goal", ` font-size="11"`),
    "</svg>\n",
  ].join("\n");
}

function row(one: Figure, y: number): string {
  const times = timesBetter(one);
  const width = (Math.min(times, FULL) / FULL) * BARS;
  const note = `${ratioText(one.ratio)}  (${goalText(one.goal)})`;
  return [
    text(LABELS - 10, y + 16, `${one.scenario}: ${one.variant}`, ` text-anchor="end"`),
    `<rect x="${LABELS}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 8}" fill="${one.met ? MET : MISSED}"/>`,
    text(LABELS + BARS + 10, y + 16, note),
  ].join("\n");
}

function timesBetter({ ratio, goal }: Figure): number {
  if (goal?.atLeast !== undefined) return ratio / goal.atLeast;
  return ratio > 0 ? (goal?.atMost ?? 0) / ratio : FULL;
}

function text(x: number, y: number, content: string, more = ""): string {
  const safe = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<text x="${x}" y="${y}"${more}>${safe}</text>`;
}
