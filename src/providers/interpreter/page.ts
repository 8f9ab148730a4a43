/** What a page says, checked: what is missing or of another kind than described is the other side's trouble, not ours. */
import type { DiscoverPages } from '../spec/discover.ts';
import { at, scalar } from '../transports/json-value.ts';
import type { JsonDocument } from '../transports/rest.ts';
import { TransportError } from '../transports/transport.ts';

export interface Page {
  readonly bytes: Buffer;
  /** `id version` of every item. */
  readonly identities: readonly string[];
  /** Null: this was the last. */
  readonly next: string | null;
  readonly total: number | null;
  readonly account: string | null;
  readonly asOf: string | null;
}

/** Throws `TransportError` `unavailable` when the document is no page. `cursor`: of the page itself, null for the first. */
export function pageOf(document: JsonDocument, { page, identity }: DiscoverPages, cursor: string | null): Page {
  const { value, bytes } = document;
  const items = at(value, page.items);
  if (!Array.isArray(items)) throw noPage(`has no list at ${page.items}`);
  const text = (path: string | undefined) => (path === undefined ? null : scalar(at(value, path)));
  const total = text(page.total);
  if (total !== null && !/^\d+$/.test(total)) throw noPage(`says ${total.slice(0, 20)} as the number of items`);
  return {
    bytes,
    identities: items.map((item) => {
      const version = identity.version === undefined ? '' : ` ${scalar(at(item, identity.version)) ?? ''}`;
      return `${scalar(at(item, identity.id)) ?? ''}${version}`;
    }),
    next: nextOf(page, value, items.length, cursor),
    total: total === null ? null : Number(total),
    account: text(page.account),
    asOf: text(page.asOf),
  };
}

function nextOf(page: DiscoverPages['page'], value: unknown, items: number, cursor: string | null): string | null {
  if (page.style === 'offset') return items < page.size ? null : String(Number(cursor ?? 0) + items);
  const next = scalar(at(value, page.next));
  return next === '' ? null : next;
}

function noPage(what: string): TransportError {
  return new TransportError('unavailable', `a page of the provider ${what}; it is asked for again`);
}
