/**
 * Descriptions of providers from outside the product: every `*.json` of a directory is one. All of them are read at start,
 * and everything that is wrong in any is reported at once. One whose sync type the product has takes its place.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemaProblems } from '../../telecom/document-problem.ts';
import { type Adapter, adapterSpec } from './adapter.ts';
import type { DiscoverPages } from './discover.ts';
import type { FileSpec } from './files.ts';

/** What only a person can mend: exit code 78. */
export class ProviderFileError extends Error {
  override readonly name = 'ProviderFileError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the descriptions of providers are wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

export interface DescribedProvider {
  readonly adapter: Adapter;
  readonly file: string;
}

/** In the order of their names. Throws `ProviderFileError`. */
export function loadProviders(directory: string): DescribedProvider[] {
  let names: string[];
  try {
    names = readdirSync(directory).filter((name) => name.endsWith('.json'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const wayOut = 'create it, or correct the key providers.directory';
    throw new ProviderFileError([`the directory ${directory} cannot be read (${code}): ${wayOut}`]);
  }
  const problems: string[] = [];
  const found: DescribedProvider[] = [];
  for (const name of names.sort()) {
    try {
      found.push(readProvider(join(directory, name)));
    } catch (error) {
      if (!(error instanceof ProviderFileError)) throw error;
      problems.push(...error.problems);
    }
  }
  problems.push(...twins(found, 'sync type', ({ syncType }) => syncType));
  problems.push(...twins(found, 'chain.name', ({ chain }) => chain.name));
  if (problems.length > 0) throw new ProviderFileError(problems);
  return found;
}

/** Throws `ProviderFileError` with every problem: file, key, value and what would be right. */
export function readProvider(file: string): DescribedProvider {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ProviderFileError([code ? `${file} cannot be read (${code})` : `${file} is not valid JSON: ${message}`]);
  }
  const problems = schemaProblems(document, adapterSpec);
  if (problems.length === 0) {
    const adapter = adapterSpec.parse(document);
    const own = ownProblems(adapter);
    if (own.length === 0) return { adapter, file };
    throw new ProviderFileError(own.map((problem) => `${file}: ${problem}`));
  }
  throw new ProviderFileError(
    problems.map(({ path, value, message }) => `${file}: ${path === '' ? '(document)' : path}: ${value} ${message}`),
  );
}

/** What one part of a description asks of another. */
function ownProblems({ syncType, chain, discover, layout: { files } }: Adapter): string[] {
  const problems: string[] = [];
  const chainName = syncType.toLowerCase().replaceAll('_', '-');
  if (chain.name !== chainName) {
    problems.push(`chain.name: ${JSON.stringify(chain.name)} must be ${chainName}, after the sync type ${syncType}`);
  }
  if (!files.name.startsWith('^') || !/(?<!\\)(\\\\)*\$$/.test(files.name)) {
    const what = `layout.files.name: ${JSON.stringify(files.name)}`;
    problems.push(`${what} must begin with ^ and end with $, as it is of the whole name`);
  }
  if (discover.kind === 'pages') problems.push(...placeholderProblems(discover), ...pageProblems(files));
  const groups = new Set([...files.name.matchAll(/\(\?<([A-Za-z]\w*)>/g)].map(([, name]) => name!));
  const unknown = (key: string, group: string) =>
    `${key}: ${JSON.stringify(group)} is no named group of layout.files.name; it has ${[...groups].join(', ') || 'none'}`;
  for (const group of files.logicalKey)
    if (!groups.has(group)) problems.push(unknown('layout.files.logicalKey', group));
  const { sequence } = files;
  if (sequence && !groups.has(sequence.field)) problems.push(unknown('layout.files.sequence.field', sequence.field));
  if (discover.kind === 'pages' && files.framing.kind !== 'json') {
    problems.push(`layout.files.framing.kind: "${files.framing.kind}" must be json for pages of an API`);
  }
  if (discover.kind === 'pages' && sequence) {
    problems.push('layout.files.sequence: pages of an API have no sequence; leave it out');
  }
  return problems;
}

/** As pages are named (interpreter/page-name.ts): one, and others that differ from it in one part each. */
const pageNames = [
  '0101_0102_0102_0001',
  '0201_0102_0102_0001',
  '0101_0202_0102_0001',
  '0101_0102_0202_0001',
  '0101_0102_0102_0002',
].map((parts) => `0000000101_${parts.replaceAll(/(\d{4})_/g, '2026$1T000000Z_')}.json`);

function* pageProblems({ name, logicalKey }: FileSpec): Iterable<string> {
  const pattern = new RegExp(name);
  const [sample] = pageNames;
  if (!pageNames.every((one) => pattern.test(one))) {
    const form = `<account10>_<from>_<to>_<read>_<page>.json, such as ${sample}`;
    yield `layout.files.name: ${JSON.stringify(name)} must allow ${form}`;
    return;
  }
  const keys = pageNames.map((one) => logicalKey.map((group) => pattern.exec(one)?.groups?.[group]).join('/'));
  if (new Set(keys).size < keys.length) {
    const what = `layout.files.logicalKey: ${JSON.stringify(logicalKey)} is the same for pages of other windows, readings or numbers`;
    yield `${what}: each would cancel what the one before has told; take account, from, to, read and page`;
  }
}

/** What nobody fills would be sent as it stands; without its bounds every window would be everything. */
function* placeholderProblems({ path, query }: DiscoverPages): Iterable<string> {
  const used = new Set([path, ...Object.values(query)].flatMap((text) => text.match(/\{\w+\}/g) ?? []));
  for (const one of used) {
    if (!['{account}', '{from}', '{to}'].includes(one)) yield `discover: ${one} is none of {account}, {from} and {to}`;
  }
  for (const one of ['{from}', '{to}']) {
    if (!used.has(one)) yield `discover: ${one} stands neither in path nor in query: every window would have all usage`;
  }
}

function twins(found: readonly DescribedProvider[], what: string, of: (adapter: Adapter) => string): string[] {
  return [...Map.groupBy(found, ({ adapter }) => of(adapter))]
    .filter(([, those]) => those.length > 1)
    .map(([value, those]) => `${those.map(({ file }) => file).join(' and ')}: all have the ${what} ${value}; keep one`);
}
