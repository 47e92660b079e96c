import type { Figure, Goal } from "./figure.ts";
import type { Circumstances } from "./machine.ts";

export function ratioText(ratio: number): string {
  return ratio.toFixed(2);
}

export function goalText(goal: Goal | null): string {
  if (goal === null) return "";
  return [
    ...(goal.atLeast === undefined ? [] : [`≥ ${goal.atLeast}`]),
    ...(goal.atMost === undefined ? [] : [`≤ ${goal.atMost}`]),
  ].join(", ");
}

export function verdict({ met }: Figure): string {
  if (met === null) return "";
  return met ? "met" : "missed";
}

export function machineText({ machine, node, postgres }: Circumstances): string {
  const { cores, model, memoryGb } = machine;
  return `${cores} cores of ${model}, ${memoryGb} GB, Node ${node.slice(1)}, PostgreSQL ${postgres}`;
}
