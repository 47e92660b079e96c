import type { Model } from "./explorer.ts";

/** Somebody who takes steps; what is able to go on for ever does so once in a while. */
type Actor = string;

interface Visited {
  waiting: boolean;
  /** Who can move; the world need not. */
  able: Set<Actor>;
  edges: { to: number; name: string; actor: Actor | null }[];
}

export interface Starvation {
  states: number;
  /** Names of the steps that can be repeated for ever; null: every fair run ends the wait. */
  forever: string[] | null;
}

/**
 * Looks for a fair run that waits for ever: a set of states, each reachable from each, in all of
 * which the wait lasts, and in which everyone either moves or is unable to at some time. When there
 * is none the wait ends after a bounded number of steps of each, as there are finitely many states.
 */
export function findStarvation<S>(
  model: Model<S>,
  isWaiting: (state: S) => boolean,
  limit = 200_000,
): Starvation {
  const visited = visit(model, isWaiting, limit);
  const forever = components(visited)
    .filter((component) => isFair(visited, component))
    .map((component) => stepsWithin(visited, component))
    .find((steps) => steps.length > 0);
  return { states: visited.length, forever: forever ?? null };
}

function visit<S>(model: Model<S>, isWaiting: (state: S) => boolean, limit: number): Visited[] {
  const states: string[] = [];
  const known = new Map<string, number>();
  const visited: Visited[] = [];
  const add = (state: S): number => {
    model.normalize(state);
    const text = JSON.stringify(state);
    const found = known.get(text);
    if (found !== undefined) return found;
    known.set(text, states.length);
    return states.push(text) - 1;
  };
  add(structuredClone(model.initial));
  for (let index = 0; index < states.length; index++) {
    if (states.length > limit) throw new Error(`more than ${limit} states`);
    const state = JSON.parse(states[index]!) as S;
    const { steps } = model.next(state);
    const edges = steps.map(({ name, world, apply }) => {
      const next = JSON.parse(states[index]!) as S;
      apply(next);
      return { to: add(next), name, actor: world === true ? null : actorOf(name) };
    });
    const able = new Set(edges.flatMap(({ actor }) => actor ?? []));
    visited.push({ waiting: isWaiting(state), able, edges });
  }
  return visited;
}

/** `W1/entry:1: takeLeases` is a step of W1, `W1 fetch: getJobs` one of its fetch. */
function actorOf(name: string): Actor {
  return /^[A-Za-z0-9]+( fetch)?/.exec(name)![0];
}

/** Tarjan's strongly connected components of the states that wait, without recursion. */
function components(visited: readonly Visited[]): number[][] {
  const found: number[][] = [];
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const targets = (at: number): number[] =>
    visited[at]!.edges.map(({ to }) => to).filter((to) => visited[to]!.waiting);

  const open = (at: number): { at: number; rest: number[] } => {
    order.set(at, order.size);
    low.set(at, order.get(at)!);
    stack.push(at);
    onStack.add(at);
    return { at, rest: targets(at) };
  };
  for (const start of visited.keys()) {
    if (!visited[start]!.waiting || order.has(start)) continue;
    const path = [open(start)];
    while (path.length > 0) {
      const { at, rest } = path.at(-1)!;
      const to = rest.pop();
      if (to === undefined) {
        path.pop();
        const parent = path.at(-1)?.at;
        if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(at)!));
        if (low.get(at) !== order.get(at)) continue;
        const component = stack.splice(stack.lastIndexOf(at));
        for (const member of component) onStack.delete(member);
        found.push(component);
      } else if (!order.has(to)) {
        path.push(open(to));
      } else if (onStack.has(to)) {
        low.set(at, Math.min(low.get(at)!, order.get(to)!));
      }
    }
  }
  return found;
}

/** Nobody is able to move all the time and does not. */
function isFair(visited: readonly Visited[], component: readonly number[]): boolean {
  const within = new Set(component);
  const moves = new Set<Actor>();
  let alwaysAble: Set<Actor> | null = null;
  for (const at of component) {
    const { able, edges } = visited[at]!;
    const before: Set<Actor> = alwaysAble ?? able;
    alwaysAble = new Set([...before].filter((actor) => able.has(actor)));
    for (const { to, actor } of edges) if (within.has(to) && actor !== null) moves.add(actor);
  }
  return [...alwaysAble!].every((actor) => moves.has(actor));
}

function stepsWithin(visited: readonly Visited[], component: readonly number[]): string[] {
  const within = new Set(component);
  const names = component.flatMap((at) =>
    visited[at]!.edges.filter(({ to }) => within.has(to)).map(({ name }) => name),
  );
  return [...new Set(names)].sort();
}
