/**
 * A text column in a form that no index serves. A statement that names its rows by id must find
 * them by it; but one planned while the table was still empty may prefer the partial index of all
 * that is pending, and then reads the whole backlog for each row.
 */
export function unindexed(column: string): string {
  return `coalesce(${column}, '')`;
}
