/**
 * How a provider's usage is found. `files`: a directory, here or on a server, in which files appear under names that say
 * what they are. `pages`: documents of an API, asked for by time and read page by page; each page is kept as one file.
 */
import { z } from 'zod';
import { closedObject } from '../../telecom/document-problem.ts';

const word = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,62}$/, 'must be a name of 1 to 63 characters');

const files = closedObject({
  kind: z.literal('files'),
  transports: z.array(z.enum(['directory', 'sftp'])).min(1),
  /**
   * When a file is whole. `marker`: a file of the same name with this suffix is there; `sha256 bytes` in it is what the
   * bytes must be. `unchanged`: two polls have seen the same size. `atOnce`: whoever drops it renames it into place.
   */
  ready: z.discriminatedUnion('when', [
    closedObject({
      when: z.literal('marker'),
      suffix: z.string().regex(/^\.[A-Za-z0-9._-]{1,20}$/, 'must be a suffix such as .ok'),
      holds: z.enum(['sha256 bytes', 'nothing']).default('nothing'),
    }),
    closedObject({ when: z.literal('unchanged') }),
    closedObject({ when: z.literal('atOnce') }),
  ]),
});
export type DiscoverFiles = z.output<typeof files>;

const urlPath = z.string().regex(/^\/[^?#]*$/, 'must be a path such as /v2/usage');
/** From the document's root, with a dot between the levels. */
const jsonPath = z.string().regex(/^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/, 'must be a path such as meta.next');

const inEveryPage = {
  items: jsonPath,
  /** How many items the whole window has: fewer or more, and it is read anew. */
  total: jsonPath.optional(),
  /** Whose usage it is: of another account the page is refused. */
  account: jsonPath.optional(),
  /** Up to when the provider knows what was used; without it, up to the end of the window. */
  asOf: jsonPath.optional(),
};

const pages = closedObject({
  kind: z.literal('pages'),
  transports: z.array(z.enum(['rest'])).min(1),
  auth: z.discriminatedUnion('kind', [
    /** OAuth2 client credentials: `POST` of a form to the token path, with the client's id and secret as Basic. */
    closedObject({
      kind: z.literal('oauth2cc'),
      tokenPath: urlPath,
      scope: z.string().optional(),
      /** A token is renewed so long before its end. */
      marginMs: z.int().min(0).max(3_600_000).default(30_000),
    }),
    closedObject({ kind: z.literal('apikey'), header: word.default('x-api-key') }),
    closedObject({ kind: z.literal('basic') }),
  ]),
  /** `{account}` becomes the contract's account. */
  path: urlPath,
  /** Query parameters; `{from}`, `{to}` and `{account}` are replaced. */
  query: z.record(word, z.string().max(200)).default({}),
  /** `{account}` as the provider writes it: its leading zeros, or without them. */
  account: z.enum(['padded', 'trimmed']).default('padded'),
  window: closedObject({
    /** How far back the first window begins, and how far every later one overlaps what was read before. */
    firstDays: z.int().min(1).max(400).default(92),
    overlapDays: z.int().min(0).max(60).default(3),
    /** A longer stretch is read in several windows. */
    maxDays: z.int().min(1).max(400).default(31),
    /** Every so many days so many before what is known are read again, for providers that change what was final. */
    lookBack: closedObject({ days: z.int().min(1).max(400), everyDays: z.int().min(1).max(60) }).optional(),
  }).prefault({}),
  page: z.discriminatedUnion('style', [
    /** The answer names the cursor of the next page; none, null or an empty one: this was the last. */
    closedObject({ style: z.literal('cursor'), parameter: word, next: jsonPath, ...inEveryPage }),
    /** So many items are skipped; a page with fewer than `size` is the last. */
    closedObject({ style: z.literal('offset'), parameter: word, size: z.int().min(1).max(100_000), ...inEveryPage }),
  ]),
  /** Members of an item that tell it from others and its versions apart: what comes twice in a window is seen by them. */
  identity: closedObject({ id: word, version: word.optional() }),
  /** Where the accounts that the credential sees are listed: the contract's must be among them. */
  accounts: closedObject({ path: urlPath, items: jsonPath, id: word }).optional(),
  maxPageBytes: z.int().min(1_024).max(268_435_456).default(33_554_432),
  /** For an answer to begin, and to be whole. */
  firstByteMs: z.int().min(100).max(600_000).default(30_000),
  wholeMs: z.int().min(100).max(3_600_000).default(120_000),
});
export type DiscoverPages = z.output<typeof pages>;

export const discoverSpec = z.discriminatedUnion('kind', [files, pages], {
  error: 'must have a kind, "files" or "pages"',
});
