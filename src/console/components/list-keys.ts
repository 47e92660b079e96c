/** The list of a page, for the keys; see `ListCard`. */
export const LIST = { "data-list": "" } as const;
/** What `r` presses. */
export const REPLAYS = { "data-replays": "", "aria-keyshortcuts": "r" } as const;

/** Carries out a key of lists. The chosen row is the one whose link has the focus. */
export function onListKey(key: string): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-list] tbody tr")];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const row = rows[at];
  if (key === "j" || key === "k") {
    const step = key === "j" ? 1 : -1;
    const next = rows[at === -1 ? (key === "j" ? 0 : rows.length - 1) : at + step];
    next?.querySelector<HTMLElement>("a[href]")?.focus();
    next?.scrollIntoView({ block: "nearest" });
    return next !== undefined;
  }
  if (key === "x") {
    const box = row?.querySelector<HTMLElement>("input[type=checkbox]");
    box?.click();
    return box !== undefined;
  }
  if (key !== "r") return false;
  const replay = (): HTMLButtonElement | null => document.querySelector("[data-replays]");
  // with nothing chosen it is about this row
  if (replay()?.disabled === true) row?.querySelector<HTMLElement>("input[type=checkbox]")?.click();
  window.setTimeout(() => replay()?.click());
  return true;
}
