/** `SP16X_<account10>_<yyyymm>_<seq6>.dat.gz` and its marker `<same>.ok` holding `sha256 bytes` (our layout, domain 5.1). */

export interface Sp16Name {
  readonly account: string;
  readonly month: string;
  readonly seq: number;
  /** account/month/seq: the same key with other bytes is a re-delivery. */
  readonly logicalKey: string;
}

const dataName = /^SP16X_(\d{10})_(\d{6})_(\d{6})\.dat\.gz$/;

/** Null when it is not the name of a data file. */
export function parseSp16Name(name: string): Sp16Name | null {
  const match = dataName.exec(name);
  if (!match) return null;
  const [, account, month, seq] = match as unknown as [string, string, string, string];
  return { account, month, seq: Number(seq), logicalKey: `${account}/${month}/${seq}` };
}

export interface Sp16Marker {
  readonly sha256: string;
  readonly bytes: number;
}

/** Null when the marker is not in its form (it may still be growing). */
export function parseMarker(content: string): Sp16Marker | null {
  const match = /^([0-9a-f]{64}) ([0-9]{1,15})\s*$/i.exec(content);
  return match ? { sha256: match[1]!.toLowerCase(), bytes: Number(match[2]) } : null;
}
