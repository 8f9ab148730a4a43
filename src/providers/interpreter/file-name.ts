/** What the name of a provider's file says, by the pattern of its description. */
import type { Adapter } from '../spec/adapter.ts';

export interface NamedFile {
  /** Null when the pattern has no group for it. */
  readonly account: string | null;
  readonly seq: number | null;
  /** The same key with other bytes is a re-delivery. */
  readonly logicalKey: string;
}

export type ParseName = (name: string) => NamedFile | null;

/** Null for a name that is none of a data file. */
export function nameParser({ layout: { files } }: Pick<Adapter, 'layout'>): ParseName {
  const pattern = new RegExp(files.name);
  return (name) => {
    const match = pattern.exec(name);
    if (!match) return null;
    const groups = match.groups ?? {};
    const seq = files.sequence ? Number(groups[files.sequence.field]) : null;
    const logicalKey = files.logicalKey.map((group) => groups[group] ?? '').join('/');
    return { account: groups.account ?? null, seq, logicalKey };
  };
}

/** Accounts are stored with ten digits, and written as the provider likes. */
export function isSameAccount(one: string, other: string): boolean {
  return bareAccount(one) === bareAccount(other);
}

export function bareAccount(account: string): string {
  return account.replace(/^0+(?=.)/, '');
}
