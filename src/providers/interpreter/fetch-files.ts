/**
 * Brings every file of a directory that is whole and not here yet into the archive. Nothing is fetched before it is whole, and
 * nothing is kept whose bytes are not those of its marker. A file known by its sha256, or looking as it did when it was taken,
 * is not downloaded again; the same bytes under another name are a duplicate, unless the other name was the wrong one. A file
 * of another account, or whose head speaks of another number than its name, is refused. What is not whole waits for the next
 * run and is alerted at the third; so does a file that cannot be had while others can.
 */
import { hash } from 'node:crypto';
import type { StepContext } from '../../chains/define.ts';
import type { FileSpec } from '../spec/files.ts';
import type { SyncInput, SyncSubject } from '../sync-input.ts';
import { type RemoteFile, type Transport, TransportError } from '../transports/transport.ts';
import { isSameAccount, type NamedFile, type ParseName } from './file-name.ts';
import { alertAfterPolls, type Found, pollsBefore } from './found-files.ts';
import { whyMisnamed } from './misnamed.ts';
import { howReady, type Ready } from './readiness.ts';
import type { InterpreterServices } from './services.ts';

interface KnownFile {
  readonly name: string;
  readonly sha256: string;
  readonly state: string;
  readonly stamp: string | null;
}

export interface FileFetch {
  readonly services: InterpreterServices;
  readonly subject: SyncSubject;
  readonly context: StepContext<SyncInput>;
  readonly files: FileSpec;
  readonly parse: ParseName;
  readonly ready: Ready;
}

const knownFiles = `
  select name, encode(sha256, 'hex') as sha256, state, remote_stamp as stamp from raw_file where contract_id = $1`;

export async function fetchFiles(fetch: FileFetch, transport: Transport): Promise<Found[]> {
  const { context, subject, parse } = fetch;
  const known = await context.read.query<KnownFile>(knownFiles, [context.input.contractId]);
  const taken = known.filter((file) => ['received', 'imported', 'superseded'].includes(file.state));
  const knownBytes = new Set(taken.map((file) => file.sha256));
  const knownNames = new Set(known.flatMap((file) => [`${file.name} ${file.sha256}`, `${file.name} ${file.stamp}`]));
  const listing = await transport.list();
  const look = howReady(fetch.ready, listing, subject, transport);
  const candidates = listing.flatMap((file) => {
    const named = parse(file.name);
    return named ? [{ file, named }] : [];
  });
  const found: Found[] = [];
  for (const [index, { file, named }] of candidates.entries()) {
    context.progress(index, candidates.length, 'files');
    try {
      const entry = await lookAt(file, named);
      if (entry?.kind === 'received') knownBytes.add(entry.sha256);
      if (entry) found.push(entry);
    } catch (error) {
      if (!(error instanceof TransportError) || !error.ofFile) throw error;
      found.push({ kind: 'pending', name: file.name, stamp: stampOf(file), reason: error.message });
    }
  }
  context.progress(candidates.length, candidates.length, 'files');
  report(fetch, found, known);
  return found;

  /** Null when there is nothing new about it. */
  async function lookAt(file: RemoteFile, named: NamedFile): Promise<Found | null> {
    const { name, bytes } = file;
    const stamp = stampOf(file);
    if (fetch.ready.when !== 'marker' && knownNames.has(`${name} ${stamp}`)) return null;
    const state = await look(file, stamp);
    if (state.kind === 'pending') return { kind: 'pending', name, stamp, reason: state.reason };
    const { promised } = state;
    if (promised ? knownNames.has(`${name} ${promised.sha256}`) : knownNames.has(`${name} ${stamp}`)) return null;
    if (named.account !== null && !isSameAccount(named.account, subject.account)) {
      const reason = `wrong-account: ${name} is of account ${named.account}, the contract's is ${subject.account}; it was not downloaded`;
      // without a marker nobody knows the bytes: the sha256 of what it looks like keeps it apart
      const sha256 = promised?.sha256 ?? hash('sha256', `${name} ${stamp}`);
      // its number is another account's
      return { kind: 'refused', name, named: null, sha256, bytes, stamp, reason };
    }
    if (promised && knownBytes.has(promised.sha256)) {
      return { kind: 'duplicate', name, named, sha256: promised.sha256, bytes: promised.bytes, stamp };
    }
    return download(fetch, transport, file, named, promised);
  }
}

async function download(
  { services, context, subject, files }: FileFetch,
  transport: Transport,
  file: RemoteFile,
  named: NamedFile,
  promised: { sha256: string; bytes: number } | null,
): Promise<Found> {
  const { name } = file;
  const stamp = stampOf(file);
  const wrong = promised && wrongStamp(stamp, promised, subject.watermark.stamps?.[name]);
  const unlikeMarker = (bytes: number, stampNow: string): Found => {
    const reason = `its ${bytes} bytes are not the ${promised!.bytes} bytes with the sha256 of its marker`;
    return { kind: 'pending', name, stamp: stampNow, reason };
  };
  if (promised && file.bytes !== promised.bytes) return unlikeMarker(file.bytes, stamp);
  if (wrong?.wasTwice && !context.input.force) return unlikeMarker(file.bytes, wrong.now);
  const { sha256, bytes } = await services.archive.put(await transport.open(name), { signal: context.signal });
  if (wrong && promised && (sha256 !== promised.sha256 || bytes !== promised.bytes))
    return unlikeMarker(bytes, wrong.now);
  if (!promised && bytes !== file.bytes) {
    return { kind: 'pending', name, stamp, reason: `it grew from ${file.bytes} to ${bytes} bytes while it was read` };
  }
  const reason = whyMisnamed(files, services.archive.path(sha256), name, subject.account);
  if (reason !== null) return { kind: 'refused', name, named: null, sha256, bytes, stamp, reason };
  return { kind: 'received', name, named, sha256, bytes, stamp };
}

/** How a file is remembered that was fetched and is not what its marker says: a second time it is fetched, a third it is not. */
function wrongStamp(stamp: string, { sha256 }: { sha256: string }, before: string | undefined) {
  const once = `${stamp} ${sha256}`;
  const twice = `${once} again`;
  const wasTwice = before === twice;
  return { wasTwice, now: wasTwice || before === once ? twice : once };
}

function report({ services, subject }: FileFetch, found: readonly Found[], known: readonly KnownFile[]): void {
  for (const entry of found) {
    const about = `${subject.customer}/${entry.name}`;
    if (entry.kind === 'refused') {
      services.alerts.raise({ rule: 'file.quarantined', subject: about, level: 'critical', message: entry.reason });
    } else if (entry.kind !== 'pending') {
      services.alerts.resolve('file.not-ready', about);
      if (entry.kind === 'duplicate') continue;
      const wrongNames = known.filter((file) => file.state === 'quarantined' && file.sha256 === entry.sha256);
      for (const { name } of wrongNames) services.alerts.resolve('file.quarantined', `${subject.customer}/${name}`);
    } else if (pollsBefore(subject, entry.name) + 1 >= alertAfterPolls) {
      const message = `${entry.name} was seen ${alertAfterPolls} times and is not complete: ${entry.reason}`;
      services.alerts.raise({ rule: 'file.not-ready', subject: about, level: 'warning', message });
    }
  }
  const there = new Set(found.map(({ name }) => name));
  for (const name of Object.keys(subject.watermark.pending ?? {})) {
    if (!there.has(name)) services.alerts.resolve('file.not-ready', `${subject.customer}/${name}`);
  }
}

function stampOf({ bytes, changedMs }: RemoteFile): string {
  return `${bytes} ${changedMs}`;
}
