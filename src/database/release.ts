/** This release's version, from package.json, and the order of versions. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function ownRelease(): string {
  const file = join(import.meta.dirname, '../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** Negative when `a` is the older one. Only the three numbers count: a pre-release counts as its release. */
export function compareReleases(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)];
  for (const [index, number] of left.entries()) {
    if (number !== right[index]) return number - right[index]!;
  }
  return 0;
}

function numbers(release: string): number[] {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(release);
  if (!match) throw new Error(`'${release}' is not a release number such as 1.2.3`);
  return match.slice(1).map(Number);
}
