/**
 * F07: the same file once more with other contents. One line in fifty is changed, one in a hundred gone, one in two hundred
 * new. Lines that other lines refer to, or that stand in two files, are left alone.
 */
import type { UsageRecord } from './usage-record.ts';

export function redeliveredLines(files: readonly UsageRecord[][], index: number): UsageRecord[] {
  const entangled = entangledIds(files.flat());
  const result: UsageRecord[] = [];
  let ordinary = 0;
  for (const line of files[index] ?? []) {
    if (line.isEdge || line.line !== '10' || entangled.has(line.id)) {
      result.push(line);
      continue;
    }
    ordinary++;
    if (ordinary % 100 === 40) continue;
    result.push(ordinary % 50 === 10 ? { ...line, quantity: line.quantity + 60, amountE4: line.amountE4 + 99 } : line);
    if (ordinary % 200 === 5) result.push({ ...line, id: `N${line.id.slice(1)}`, quantity: line.quantity + 7 });
  }
  return result;
}

function entangledIds(lines: readonly UsageRecord[]): Set<string> {
  const seen = new Set<string>();
  const entangled = new Set<string>();
  for (const line of lines) {
    if (seen.has(line.id)) entangled.add(line.id);
    seen.add(line.id);
    if (line.change !== '') entangled.add(line.id).add(line.originalId);
  }
  return entangled;
}
