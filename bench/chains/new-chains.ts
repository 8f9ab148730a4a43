/** Chains as our door writes them, for `insertMany`: each with a trace of its own, at its first step `a`. */
import { makeTraceparent } from '../../otel/traceparent.ts';

export function newChains(name: string, count: number): unknown[][] {
  const all = <T>(value: () => T) => Array.from({ length: count }, value);
  const nothing = all(() => null);
  return [
    all(() => name),
    all(() => 1),
    all(() => 'a'),
    all(() => 2),
    nothing,
    nothing,
    all(() => makeTraceparent()),
    nothing,
    all(() => '{}'),
    nothing,
  ];
}
