/**
 * Reads usage page by page; every page is archived as it came and is a `raw_file` of its own. What was read is kept when
 * reading breaks off, and the next try goes on behind it. A cursor that has expired, and a window whose items are not as many
 * as the provider says (a page moved while it was read), begin the window anew, twice at most. Items that come twice are told
 * apart by id and version when they are imported. A page of another account is kept out.
 */
import type { Tx } from '../../database/session.ts';
import type { DiscoverPages } from '../spec/discover.ts';
import type { PartWindow, SyncSubject, WholeWindow, Window } from '../sync-input.ts';
import { at, scalar } from '../transports/json-value.ts';
import type { RestSession } from '../transports/rest.ts';
import { TransportError } from '../transports/transport.ts';
import { BrokenOff, type Reading, type ReadResult } from './fetch.ts';
import { bareAccount, isSameAccount, type ParseName } from './file-name.ts';
import type { Found } from './found-files.ts';
import { type Page, pageOf } from './page.ts';
import { pageNameOf } from './page-name.ts';
import {
  compact,
  earliestAsOf,
  instant,
  keyOf,
  readTo,
  type WindowToRead,
  windowsAgain,
  windowsToRead,
} from './windows.ts';

export interface PageFetch {
  readonly reading: Reading;
  readonly discover: DiscoverPages;
  readonly parse: ParseName;
  readonly rest: RestSession;
}

/** How often a window is begun anew in one run. */
const mostRestarts = 2;
const mostPages = 100_000;
/** Pages in a row whose items had all been told: a page that moved may be one, an API that repeats itself never ends. */
const mostRepeated = 10;
/** Answers that say that a cursor, or a window of the past, is not given, or not any more. */
const notGiven = [400, 404, 410, 422];

/** What is known so far; `result` is right at any moment. */
interface Progress {
  readonly found: Found[];
  readonly bytesSeen: Set<string>;
  pages: number;
  readTo: string | null;
  part: PartWindow | null;
  /** Windows that were read to their end; null: nobody knows since when. */
  done: Map<string, WholeWindow | null>;
  /** Windows of the past that could not be read, and why. */
  readonly givenUp: Map<string, string>;
}

export async function fetchPages(fetch: PageFetch): Promise<ReadResult> {
  const { reading, discover } = fetch;
  const { subject } = reading;
  const progress: Progress = {
    found: [],
    bytesSeen: new Set(),
    pages: 0,
    readTo: null,
    part: subject.watermark.window ?? null,
    done: new Map(),
    givenUp: new Map(),
  };
  const again = windowsAgain(discover.window, subject.watermark, subject.nowMs, subject.contractFromMs);
  const result = (): ReadResult => ({
    found: progress.found,
    remember: (tx) => remember(tx, reading, progress, again),
  });
  try {
    await checkAccount(fetch);
    const { watermark, nowMs, contractFromMs } = subject;
    for (const window of windowsToRead(discover.window, watermark, again.windows, nowMs, contractFromMs)) {
      await readWindow(fetch, window, progress);
    }
    giveUp(fetch, progress, again.windows);
    return result();
  } catch (error) {
    if (!(error instanceof TransportError) || progress.found.length === 0) throw error;
    const { window = null } = subject.watermark;
    const moved = progress.done.size > 0 || (progress.part !== null && progress.part.cursor !== window?.cursor);
    throw new BrokenOff(error, moved ? result() : refusedOnly(result()), !moved);
  }
}

/** Pages that lead nowhere are read again, and would be kept every time. */
function refusedOnly(result: ReadResult): ReadResult {
  return { ...result, found: result.found.filter(({ kind }) => kind === 'refused') };
}

async function readWindow(fetch: PageFetch, window: WindowToRead, progress: Progress): Promise<void> {
  let part = window.part;
  for (let restarts = 0; ; restarts += 1) {
    const read = await readPages(fetch, window, part, progress);
    if (read.kind === 'whole') {
      const { rule, subject } = strangersAlert(fetch.reading.subject);
      fetch.reading.services.alerts.resolve(rule, subject);
      progress.part = null;
      const since = part === null ? readStamp(fetch.reading) : part.since;
      progress.done.set(keyOf(window), since === undefined ? null : { from: window.from, to: window.to, since });
      const { nowMs, watermark } = fetch.reading.subject;
      const earliestMs = earliestAsOf(fetch.discover.window, watermark.readTo, nowMs);
      if (window.isNew) progress.readTo = readTo(window, read.asOf, earliestMs);
      return;
    }
    // the next try would meet the same: it begins at the beginning
    part = null;
    progress.part = null;
    if (restarts === mostRestarts && !window.isNew) {
      progress.givenUp.set(keyOf(window), `${window.from} to ${window.to}: ${read.why}`);
      return;
    }
    if (restarts === mostRestarts) throw new TransportError('unavailable', read.why);
    fetch.reading.context.log.warn({ ...window, why: read.why }, 'a window is read anew');
  }
}

/**
 * Windows of the past that the provider gives no more, or never whole, when it gave all that is new: waiting for them would keep that
 * out for ever. What was wrong in them stays told.
 */
function giveUp({ reading }: PageFetch, { done, givenUp }: Progress, again: readonly Window[]): void {
  const { services, subject, context } = reading;
  const alert = { rule: 'profile.window-given-up', subject: `profile ${context.input.profileId}` };
  for (const key of givenUp.keys()) done.set(key, null);
  const [first] = givenUp.values();
  if (first === undefined) {
    if (again.length > 0) services.alerts.resolve(alert.rule, alert.subject);
    return;
  }
  const message = `profile ${subject.customer}/${subject.profile} does not get ${givenUp.size} windows again that it was to read again; the first, ${first}`;
  services.alerts.raise({ ...alert, level: 'warning', message, once: true });
}

type WindowRead = { kind: 'whole'; asOf: string | null } | { kind: 'restart'; why: string };

async function readPages(
  fetch: PageFetch,
  window: WindowToRead,
  part: PartWindow | null,
  progress: Progress,
): Promise<WindowRead> {
  const { discover, reading, rest } = fetch;
  const identities = new Set<string>();
  const before = part?.items ?? 0;
  const since = part === null ? { since: readStamp(reading) } : part.since === undefined ? {} : { since: part.since };
  const values = { from: window.from, to: window.to, account: accountOf(fetch) };
  const path = filled(discover.path, values, encodeURIComponent);
  const query = Object.fromEntries(
    Object.entries(discover.query).map(([name, text]) => [name, filled(text, values, (value) => value)]),
  );
  const { parameter } = discover.page;
  const which = `the pages from ${window.from} to ${window.to}`;
  let cursor = part?.cursor ?? null;
  const followed = new Set([cursor]);
  for (let pages = 0, repeated = 0; pages < mostPages; pages += 1) {
    const asked = cursor === null ? query : { ...query, [parameter]: cursor };
    const document = await rest.get(path, asked, cursor === null && window.isNew ? [] : notGiven);
    if (document.status !== 200) {
      const what = cursor === null ? 'they are' : 'the cursor of a page has expired, or is';
      return { kind: 'restart', why: `${what} refused (${document.status})` };
    }
    const page = pageOf(document, discover, cursor);
    if (page.next !== null && followed.has(page.next)) return { kind: 'restart', why: `${which} lead in a circle` };
    followed.add(page.next);
    await keep(fetch, window, page, progress);
    const known = identities.size;
    for (const identity of page.identities) identities.add(identity);
    repeated = identities.size > known || page.identities.length === 0 ? 0 : repeated + 1;
    if (repeated === mostRepeated) {
      const why = `${which} tell nothing new, ${repeated} times in a row; does it know the parameter ${parameter}?`;
      return { kind: 'restart', why };
    }
    const items = before + identities.size;
    reading.context.progress(progress.pages, page.next === null ? progress.pages : progress.pages + 1, 'pages');
    if (page.next === null) {
      if (page.total === null || page.total === items) return { kind: 'whole', asOf: page.asOf };
      const why = `${which} have ${items} items, and the provider says ${page.total}`;
      return { kind: 'restart', why };
    }
    cursor = page.next;
    progress.part = { from: window.from, to: window.to, ...since, cursor, items };
  }
  throw new TransportError('unavailable', `${which} do not end`);
}

/** The page becomes a file of the archive. Throws when it is another account's. */
async function keep({ reading, discover, parse }: PageFetch, window: Window, page: Page, progress: Progress) {
  const { services, subject, context } = reading;
  progress.pages += 1;
  const bytes = page.bytes.length;
  const { sha256 } = await services.archive.put(one(page.bytes), { signal: context.signal });
  const name = pageNameOf(subject.account, window, readStamp(reading), progress.pages);
  const named = parse(name);
  if (!named) {
    throw new Error(
      `page ${name} does not match layout.files.name, which must allow <account>_<from>_<to>_<read>_<page>.json`,
    );
  }
  if (page.account !== null && !isSameAccount(page.account, subject.account)) {
    const reason = `wrong-account: ${name} is of another account than ${subject.account}, at ${discover.page.account}`;
    progress.found.push({ kind: 'refused', name, named: null, sha256, bytes, stamp: null, reason });
    services.alerts.raise({ ...strangersAlert(subject), level: 'critical', message: reason });
    throw new TransportError('unavailable', `the provider answered with a page of another account; it was kept out`);
  }
  const kind = progress.bytesSeen.has(sha256) ? 'duplicate' : 'received';
  progress.bytesSeen.add(sha256);
  progress.found.push({ kind, name, named, sha256, bytes, stamp: null });
}

/** One for the account, whichever page it was: each try would have another name. It ends when a window is read whole. */
function strangersAlert({ customer, account }: SyncSubject) {
  return { rule: 'file.quarantined', subject: `${customer}/pages of account ${account}` };
}

/** When pages were read, as their names say it: the same for all of a run. */
function readStamp({ subject }: Reading): string {
  return compact(new Date(subject.nowMs).toISOString());
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

/** The contract's account must be among those that the credential opens (F20). */
async function checkAccount({ reading, discover, rest }: PageFetch): Promise<void> {
  const { accounts } = discover;
  if (!accounts) return;
  const { value } = await rest.get(accounts.path, {});
  const items = at(value, accounts.items);
  if (!Array.isArray(items))
    throw new TransportError('unavailable', `${accounts.path} has no list at ${accounts.items}`);
  const ids = items.map((item) => scalar(at(item, accounts.id)) ?? '');
  const { account, customer } = reading.subject;
  if (ids.some((id) => isSameAccount(id, account))) return;
  throw new TransportError(
    'refused',
    `the credential does not open account ${account} of ${customer} (it opens ${ids.length} others); correct the account or the credential`,
  );
}

function accountOf({ discover, reading }: PageFetch): string {
  const { account } = reading.subject;
  return discover.account === 'trimmed' ? bareAccount(account) : account;
}

function filled(text: string, values: Readonly<Record<string, string>>, write: (value: string) => string): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => (name in values ? write(values[name]!) : whole));
}

async function remember(
  tx: Tx,
  { context, subject }: Reading,
  progress: Progress,
  { windows, looksBack }: ReturnType<typeof windowsAgain>,
): Promise<void> {
  const again = windows.filter((window) => !progress.done.has(keyOf(window)));
  const whole = [...progress.done.values()].filter((window) => window !== null);
  const changes = {
    ...{ again, window: progress.part, whole: [...(subject.watermark.whole ?? []), ...whole] },
    ...(progress.readTo === null ? {} : { readTo: progress.readTo }),
    // also by the first run, which reads all there is
    ...(looksBack || subject.watermark.readTo === undefined ? { lookedBack: instant(subject.nowMs) } : {}),
  };
  await tx.query('update sync_profile set watermark = watermark || $2::jsonb where id = $1', [
    context.input.profileId,
    JSON.stringify(changes),
  ]);
}
