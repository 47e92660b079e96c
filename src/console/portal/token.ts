const KEPT = "ringback-portal";

/**
 * The token of the link, from behind its `#`. It leaves the address bar, and stays with this tab, so
 * that a reload works; in a frame whose storage is blocked, the frame is loaded by its link again.
 */
export function takeToken(): string | null {
  const { hash, pathname, search } = window.location;
  if (hash.startsWith("#rp_")) {
    const token = hash.slice(1);
    window.history.replaceState(null, "", pathname + search);
    inStorage((storage) => storage.setItem(KEPT, token));
    return token;
  }
  return inStorage((storage) => storage.getItem(KEPT)) ?? null;
}

export function dropToken(): void {
  inStorage((storage) => storage.removeItem(KEPT));
}

function inStorage<T>(work: (storage: Storage) => T): T | undefined {
  try {
    return work(window.sessionStorage);
  } catch {
    return undefined;
  }
}
