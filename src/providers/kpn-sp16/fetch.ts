/**
 * `fetch`: brings every complete file that the contract does not have yet into the archive and stores it as a `raw_file`.
 * Nothing is fetched before its marker is there and nothing is kept whose bytes are not the marker's. A file known by its
 * sha256 is not downloaded again; the same bytes under another name are stored as a duplicate, unless the other name was the
 * wrong one. A file whose header speaks of another number than its name is refused. What is not ready waits for the next run
 * and is alerted at the third. A provider that stops answering holds neither the step nor its session past the step's abort.
 */
import { ArchiveError } from '../../archive/archive-error.ts';
import { type Handler, type Outcome, rejected, type StepContext, succeeded } from '../../chains/define.ts';
import { abortable } from '../abortable.ts';
import type { SessionResult } from '../session.ts';
import { readSyncSubject, type SyncInput, type SyncSubject } from '../sync-input.ts';
import { transportSchema } from '../transports/open-transport.ts';
import { type RemoteFile, type Transport, TransportError } from '../transports/transport.ts';
import { alertAfterPolls, type Found, pollsBefore, storeFiles } from './fetched-files.ts';
import { parseMarker, parseSp16Name, type Sp16Name } from './file-name.ts';
import { whyMisnamed } from './misnamed.ts';
import type { Sp16Services } from './services.ts';

interface KnownFile {
  readonly name: string;
  readonly sha256: string;
  readonly state: string;
}

export function fetchFiles(services: Sp16Services): Handler<SyncInput> {
  return async (context): Promise<Outcome> => {
    const subject = await readSyncSubject(context.read, context.input);
    const known = await context.read.query<KnownFile>(
      `select name, encode(sha256, 'hex') as sha256, state from raw_file where contract_id = $1`,
      [context.input.contractId],
    );
    const session = await services.acquireSession();
    if (!session) return rejected('all sessions of the provider are in use', { afterMs: 5_000 });
    let transport: Transport | null = null;
    let result: SessionResult = 'unavailable';
    try {
      // the session must come back although the server, or a directory on a dead one, never answers: there are only a few
      const opening = services.openTransport(transportSchema.parse(subject.transport), context.signal);
      transport = await abortable(opening, context.signal);
      const found = await abortable(fetchAll(services, transport, subject, known, context), context.signal);
      result = 'ok';
      report(services, subject, found, known);
      services.alerts.resolve(archiveAlert.rule, archiveAlert.subject);
      services.alerts.resolve('profile.suspended', `profile ${context.input.profileId}`);
      services.alerts.resolve(unavailableAlert(context.input).rule, unavailableAlert(context.input).subject);
      return succeeded({ commit: (tx) => storeFiles(tx, context.input, subject, found) });
    } catch (error) {
      if (isWaitedOut(error)) {
        services.alerts.raise({ ...archiveAlert, level: 'critical', message: error.message });
        return rejected(error.message);
      }
      if (!(error instanceof TransportError)) throw error;
      result = error.effect;
      if (error.effect === 'unavailable') {
        const message = `profile ${subject.customer}/${subject.profile} waits for its provider: ${error.message}`;
        services.alerts.raise({ ...unavailableAlert(context.input), level: 'warning', message });
        return rejected(error.message);
      }
      return suspend(services, subject, context.input, error);
    } finally {
      session.release(result);
      await transport
        ?.close()
        .catch((error: Error) => context.log.warn({ err: error }, 'the transport did not close cleanly'));
    }
  };
}

/** The chain tries again by itself for a day; until then nobody would know that nothing comes in. */
const unavailableAlert = (input: SyncInput) => ({ rule: 'profile.unavailable', subject: `profile ${input.profileId}` });

const archiveAlert = { rule: 'archive.trouble', subject: 'archive' };

/** An archive without space, rights or its mount is a state: nothing is wrong with the file or with this step. */
function isWaitedOut(error: unknown): error is ArchiveError {
  return error instanceof ArchiveError && ['disk-full', 'no-permission', 'unavailable'].includes(error.code);
}

async function fetchAll(
  services: Sp16Services,
  transport: Transport,
  subject: SyncSubject,
  known: readonly KnownFile[],
  context: StepContext<SyncInput>,
): Promise<Found[]> {
  const listing = await transport.list();
  const listed = new Set(listing.map((file) => file.name));
  const taken = known.filter((file) => ['received', 'imported', 'superseded'].includes(file.state));
  const knownBytes = new Set(taken.map((file) => file.sha256));
  const knownNames = new Set(known.map((file) => `${file.name} ${file.sha256}`));
  const candidates = listing.flatMap((file) => {
    const name = parseSp16Name(file.name);
    return name ? [{ file, name }] : [];
  });
  const found: Found[] = [];
  for (const [index, { file, name }] of candidates.entries()) {
    context.progress(index, candidates.length, 'files');
    const markerName = `${file.name}.ok`;
    const marker = listed.has(markerName) ? parseMarker(await transport.readSmall(markerName)) : null;
    if (!marker) {
      const trouble = listed.has(markerName) ? 'is not "sha256 bytes"' : 'is missing';
      found.push({ kind: 'pending', file, reason: `its marker ${markerName} ${trouble}` });
      continue;
    }
    if (knownNames.has(`${file.name} ${marker.sha256}`)) continue;
    if (name.account !== subject.account) {
      const reason = `wrong-account: ${file.name} is of account ${name.account}, the contract's is ${subject.account}; it was not downloaded`;
      found.push({ kind: 'refused', file, name, sha256: marker.sha256, bytes: file.bytes, reason });
      continue;
    }
    if (knownBytes.has(marker.sha256)) {
      found.push({ kind: 'duplicate', file, name, sha256: marker.sha256, bytes: marker.bytes });
      continue;
    }
    const entry = await download(services, transport, context.signal, file, name, marker, subject.account);
    if (entry.kind === 'received') knownBytes.add(entry.sha256);
    found.push(entry);
  }
  context.progress(candidates.length, candidates.length, 'files');
  return found;
}

async function download(
  services: Sp16Services,
  transport: Transport,
  signal: AbortSignal,
  file: RemoteFile,
  name: Sp16Name,
  marker: { sha256: string; bytes: number },
  account: string,
): Promise<Found> {
  const stored = await services.archive.put(await transport.open(file.name), { signal });
  const { sha256, bytes } = stored;
  if (sha256 === marker.sha256 && bytes === marker.bytes) {
    const reason = whyMisnamed(services.archive.path(sha256), file.name, account);
    if (reason !== null) return { kind: 'refused', file, name: null, sha256, bytes, reason };
    return { kind: 'received', file, name, sha256, bytes };
  }
  const reason = `its ${bytes} bytes are not the ${marker.bytes} bytes with the sha256 of its marker`;
  return { kind: 'pending', file, reason };
}

function report(
  services: Sp16Services,
  subject: SyncSubject,
  found: readonly Found[],
  known: readonly KnownFile[],
): void {
  for (const entry of found) {
    const about = `${subject.customer}/${entry.file.name}`;
    if (entry.kind === 'refused') {
      services.alerts.raise({ rule: 'file.quarantined', subject: about, level: 'critical', message: entry.reason });
    } else if (entry.kind !== 'pending') {
      services.alerts.resolve('file.not-ready', about);
      if (entry.kind === 'duplicate') continue;
      const wrongNames = known.filter((file) => file.state === 'quarantined' && file.sha256 === entry.sha256);
      for (const { name } of wrongNames) services.alerts.resolve('file.quarantined', `${subject.customer}/${name}`);
    } else if (pollsBefore(subject, entry.file.name) + 1 >= alertAfterPolls) {
      const message = `${entry.file.name} was seen ${alertAfterPolls} times and is not complete: ${entry.reason}`;
      services.alerts.raise({ rule: 'file.not-ready', subject: about, level: 'warning', message });
    }
  }
}

/** Bad credentials or a changed host key: no second try, the profile waits for a person. */
function suspend(services: Sp16Services, subject: SyncSubject, input: SyncInput, error: TransportError): Outcome {
  const message = `profile ${subject.customer}/${subject.profile} is suspended: ${error.message}`;
  services.alerts.raise({
    rule: 'profile.suspended',
    subject: `profile ${input.profileId}`,
    level: 'critical',
    message,
  });
  return {
    kind: 'failed',
    reason: error.message,
    commit: async (tx) => {
      await tx.query('update sync_profile set suspended_reason = $2 where id = $1', [input.profileId, error.message]);
      await tx.query(`update sync_task set status = 'failed', finished_at = now() where id = $1 and status = 'open'`, [
        input.syncTaskId,
      ]);
      return null;
    },
  };
}
