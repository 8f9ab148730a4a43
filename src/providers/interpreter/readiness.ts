/** When a file of a provider is whole (F04): by a marker beside it, by standing still, or as soon as it has its name. */
import type { DiscoverFiles } from '../spec/discover.ts';
import type { SyncSubject } from '../sync-input.ts';
import type { RemoteFile, Transport } from '../transports/transport.ts';

export type Ready = DiscoverFiles['ready'];

export type Readiness =
  /** `promised`: what the bytes must be, when the marker says it. */
  | { readonly kind: 'whole'; readonly promised: { readonly sha256: string; readonly bytes: number } | null }
  | { readonly kind: 'pending'; readonly reason: string };

const whole: Readiness = { kind: 'whole', promised: null };

export function howReady(
  ready: Ready,
  listing: readonly RemoteFile[],
  subject: SyncSubject,
  transport: Pick<Transport, 'readSmall'>,
): (file: RemoteFile, stamp: string) => Promise<Readiness> {
  switch (ready.when) {
    case 'atOnce':
      return async () => whole;
    case 'unchanged':
      return async ({ name }, stamp) => {
        const before = subject.watermark.stamps?.[name];
        if (before === stamp) return whole;
        const reason = before === undefined ? 'it was not there at the last run' : 'it has changed since the last run';
        return { kind: 'pending', reason: `${reason}; it is taken when two runs see the same` };
      };
    case 'marker': {
      const listed = new Set(listing.map((file) => file.name));
      return async ({ name }) => {
        const marker = `${name}${ready.suffix}`;
        if (!listed.has(marker)) return { kind: 'pending', reason: `its marker ${marker} is missing` };
        if (ready.holds === 'nothing') return whole;
        const promised = parseMarker(await transport.readSmall(marker));
        return promised
          ? { kind: 'whole', promised }
          : { kind: 'pending', reason: `its marker ${marker} is not "sha256 bytes"` };
      };
    }
  }
}

/** Null when the marker is not in its form (it may still be growing). */
export function parseMarker(content: string): { sha256: string; bytes: number } | null {
  const match = /^([0-9a-f]{64}) ([0-9]{1,15})\s*$/i.exec(content);
  return match ? { sha256: match[1]!.toLowerCase(), bytes: Number(match[2]) } : null;
}
