/** One thing that can happen next. */
export interface Step<S> {
  /** The statement or function it stands for. */
  name: string;
  /** Done by the world (a crash, a new delivery, the clock), so nothing may count on it. */
  world?: boolean;
  /**
   * Within one task, with no effect that others see and no choice beside it: it commutes with all
   * they do, so to take it at once loses nothing.
   */
  local?: boolean;
  apply(state: S): void;
}

/** A statement that waits for the locks of other transactions. */
export interface Wait {
  who: string;
  by: string[];
}

export interface Model<S> {
  initial: S;
  next(state: S): { steps: Step<S>[]; waits: Wait[] };
  /** What is wrong with any state, or null. */
  check(state: S): string | null;
  /** What is wrong with a state in which only the world can move, or null. */
  checkQuiet(state: S): string | null;
  /** Gives states that differ in nothing that matters the same form. */
  normalize(state: S): void;
}

export interface Exploration {
  states: number;
  violation: { what: string; trace: string[] } | null;
}

/** Visits every reachable state, breadth first, so the trace of a violation is a shortest one. */
export function explore<S>(model: Model<S>, limit = 400_000): Exploration {
  const states: string[] = [];
  const cameFrom: { parent: number; step: string }[] = [];
  const known = new Set<string>();

  const add = (state: S, parent: number, step: string): void => {
    model.normalize(state);
    const text = JSON.stringify(state);
    if (known.has(text)) return;
    known.add(text);
    states.push(text);
    cameFrom.push({ parent, step });
  };
  const traceTo = (index: number): string[] => {
    const steps: string[] = [];
    for (let at = index; at > 0; at = cameFrom[at]!.parent) steps.unshift(cameFrom[at]!.step);
    return steps;
  };

  add(structuredClone(model.initial), -1, "");
  for (let index = 0; index < states.length; index++) {
    if (states.length > limit) throw new Error(`more than ${limit} states`);
    const text = states[index]!;
    const state = JSON.parse(text) as S;
    const { steps, waits } = model.next(state);
    const quiet = steps.every(({ world }) => world === true);
    const what =
      model.check(state) ??
      findDeadlock(waits) ??
      (quiet && waits.length > 0 ? `nothing can move: ${waits.map(toText).join("; ")}` : null) ??
      (quiet ? model.checkQuiet(state) : null);
    if (what !== null) return { states: states.length, violation: { what, trace: traceTo(index) } };
    const local = steps.find((step) => step.local);
    for (const step of local === undefined ? steps : [local]) {
      const next = copy(state);
      step.apply(next);
      add(next, index, step.name);
    }
  }
  return { states: states.length, violation: null };
}

/** A deep copy of a state, which is plain JSON. */
function copy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy) as T;
  const made: Record<string, unknown> = {};
  for (const key in value) made[key] = copy(value[key]);
  return made as T;
}

function findDeadlock(waits: readonly Wait[]): string | null {
  const waitsFor = new Map(waits.map(({ who, by }) => [who, by]));
  const closes = (at: string, path: string[]): string[] | null => {
    if (path.includes(at)) return [...path.slice(path.indexOf(at)), at];
    for (const next of waitsFor.get(at) ?? []) {
      const cycle = closes(next, [...path, at]);
      if (cycle !== null) return cycle;
    }
    return null;
  };
  for (const { who } of waits) {
    const cycle = closes(who, []);
    if (cycle !== null) return `deadlock: ${cycle.join(" waits for ")}`;
  }
  return null;
}

function toText({ who, by }: Wait): string {
  return `${who} waits for ${by.join(", ")}`;
}
