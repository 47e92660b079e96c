/** Nothing to show in this cell; on a phone's cards it is left out. */
export function None() {
  return <span data-none>–</span>;
}
