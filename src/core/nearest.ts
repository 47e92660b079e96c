/** The word that was probably meant, among some; null: none is like it. */
export function nearest(word: string, among: Iterable<string>): string | null {
  let best: { word: string; distance: number } | null = null;
  const given = word.slice(0, MAX_LENGTH).toLowerCase();
  for (const candidate of among) {
    const lengths = [given.length, candidate.length];
    const most = Math.max(1, Math.floor(Math.max(...lengths) / 3));
    // longer ones are not even compared
    if (candidate.length > MAX_LENGTH || Math.abs(lengths[0]! - lengths[1]!) > most) continue;
    const distance = distanceOf(given, candidate.toLowerCase());
    if (distance <= most && (best === null || distance < best.distance)) {
      best = { word: candidate, distance };
    }
  }
  return best?.word ?? null;
}

/** ` Did you mean …?`, to stand behind a sentence; empty when nothing is like it. */
export function didYouMean(word: string, among: Iterable<string>): string {
  const meant = nearest(word, among);
  return meant === null ? "" : ` Did you mean ${meant}?`;
}

const MAX_LENGTH = 100;

/** How many letters are missing, too many, wrong, or changed places with their neighbour. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, before[j - 2]! + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
