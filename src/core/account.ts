/**
 * `suspended`: nothing new is accepted, and what was promised is kept. `deleting`: its keys are gone
 * and its data goes, in steps. `deleted`: only the record of it is left.
 */
export const ACCOUNT_STATES = ["active", "suspended", "deleting", "deleted"] as const;
export type AccountState = (typeof ACCOUNT_STATES)[number];

export interface Account {
  id: string;
  name: string;
  state: AccountState;
  state_reason: string | null;
  state_changed_at: Date;
  /** Rows that its deletion has deleted so far. */
  deleted_rows: number;
  created_at: Date;
}

/** The account that the server makes when it starts, and that its own key belongs to. */
export const FIRST_ACCOUNT = "default";
