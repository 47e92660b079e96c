import type { CallOptions } from "./caller.ts";

/** One page of a list. */
export interface Page<Item> {
  data: Item[];
  /** Leads to the next page; null on the last one. */
  next_cursor: string | null;
}

/** A list, newest first: `for await` walks all of it, `page` reads one page. */
export class Pages<Item> implements AsyncIterable<Item> {
  readonly #read: (cursor: string | undefined, options: CallOptions) => Promise<Page<Item>>;
  readonly #options: CallOptions;

  constructor(
    read: (cursor: string | undefined, options: CallOptions) => Promise<Page<Item>>,
    options: CallOptions = {},
  ) {
    this.#read = read;
    this.#options = options;
  }

  /** The page behind a cursor, or the one the list begins with. */
  async page(cursor?: string): Promise<Page<Item>> {
    return await this.#read(cursor, this.#options);
  }

  /** The whole list. */
  async toArray(): Promise<Item[]> {
    const items: Item[] = [];
    for await (const item of this) items.push(item);
    return items;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, void> {
    let page = await this.page();
    yield* page.data;
    while (page.next_cursor !== null) {
      page = await this.page(page.next_cursor);
      yield* page.data;
    }
  }
}

/** A query that goes on behind a cursor. */
export function withCursor<Query extends { cursor?: string }>(
  query: Query,
  cursor: string | undefined,
): Query {
  return cursor === undefined ? query : { ...query, cursor };
}
