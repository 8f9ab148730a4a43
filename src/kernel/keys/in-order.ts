/** Pairs (a record that lost, the one that counts) of several parts as one list, in the order of the file. */
export function inOrder(parts: readonly Float64Array[]): Float64Array<ArrayBuffer> {
  const count = parts.reduce((sum, part) => sum + part.length, 0) / 2;
  const all = new Float64Array(count * 2);
  let to = 0;
  for (const part of parts) {
    all.set(part, to);
    to += part.length;
  }
  const order = new Uint32Array(count).map((_, pair) => pair);
  order.sort((a, b) => all[a * 2]! - all[b * 2]!);
  const pairs = new Float64Array(all.length);
  for (let pair = 0; pair < count; pair += 1) {
    pairs[pair * 2] = all[order[pair]! * 2]!;
    pairs[pair * 2 + 1] = all[order[pair]! * 2 + 1]!;
  }
  return pairs;
}
