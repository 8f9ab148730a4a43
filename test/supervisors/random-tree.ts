/** Random trees and random trouble for the property test, and the log that its rules are checked against. */
import fc from 'fast-check';
import { actor, supervisor } from '../../supervisors/actor.ts';
import type { Strategy } from '../../supervisors/strategy.ts';
import {
  type ActorSpec,
  type ChildOptions,
  type ChildSpec,
  exit,
  type SupervisorSpec,
} from '../../supervisors/types.ts';
import { idle } from './recorder.ts';

/** What one incarnation did, in the order it happened in the whole tree. */
export interface Entry {
  readonly what: 'init' | 'ready' | 'begin' | 'finish' | 'terminate';
  readonly path: string;
  readonly generation: number;
}

export interface Blow {
  /** Which actor, modulo their number. */
  readonly actor: number;
  readonly kind: 'throw' | 'reject' | 'exit' | 'work' | 'spawned';
  /** Rounds of the event loop before the next blow. */
  readonly pause: number;
}

export type Shape =
  | { readonly kind: 'actor'; readonly restart: NonNullable<ChildOptions['restart']>; readonly failingStarts: number[] }
  | {
      readonly kind: 'supervisor';
      readonly strategy: Strategy;
      readonly intensity: number;
      readonly children: Shape[];
    };

export const leaf: fc.Arbitrary<Shape> = fc.record({
  kind: fc.constant('actor' as const),
  restart: fc.constantFrom('permanent' as const, 'permanent' as const, 'transient' as const, 'temporary' as const),
  failingStarts: fc.array(fc.integer({ min: 2, max: 6 }), { maxLength: 2 }),
});

function group(child: fc.Arbitrary<Shape>): fc.Arbitrary<Shape & { kind: 'supervisor' }> {
  return fc.record({
    kind: fc.constant('supervisor' as const),
    strategy: fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const),
    intensity: fc.integer({ min: 0, max: 4 }),
    children: fc.array(child, { minLength: 1, maxLength: 4 }),
  });
}

export const anyTree = group(fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: group(leaf) }));

export const anyBlows: fc.Arbitrary<Blow[]> = fc.array(
  fc.record({
    actor: fc.nat(15),
    kind: fc.constantFrom('throw' as const, 'reject' as const, 'exit' as const, 'work' as const, 'spawned' as const),
    pause: fc.nat(3),
  }),
  { maxLength: 25 },
);

/** The spec of a shape. Failures in a row never make it give up, so that only the intensity rule does. */
export function specOf(shape: Shape & { kind: 'supervisor' }, log: Entry[], path = '', id = 'root'): SupervisorSpec {
  const children = shape.children.map((child, at): ChildSpec => {
    const childPath = path === '' ? `c${at}` : `${path}/c${at}`;
    if (child.kind === 'supervisor') return specOf(child, log, childPath, `c${at}`);
    return recordingActor(`c${at}`, childPath, child, log);
  });
  const { strategy, intensity } = shape;
  return supervisor({ id, strategy, intensity, children, options: { consecutive: Infinity } });
}

export function recordingActor(
  id: string,
  path: string,
  shape: Shape & { kind: 'actor' },
  log: Entry[],
): ActorSpec<Blow['kind'], number> {
  return actor<Blow['kind'], number>({
    id,
    options: { restart: shape.restart, consecutive: Infinity },
    init: async ({ generation }) => {
      log.push({ what: 'init', path, generation });
      await idle(1);
      if (shape.failingStarts.includes(generation)) throw new Error('start');
      log.push({ what: 'ready', path, generation });
      return generation;
    },
    receive: (generation, blow, context) => {
      log.push({ what: 'begin', path, generation });
      if (blow === 'throw') {
        log.push({ what: 'finish', path, generation });
        throw new Error('sync');
      }
      if (blow === 'spawned') context.spawn(() => idle(1).then(() => Promise.reject(new Error('spawned'))));
      return idle(2).then(() => {
        log.push({ what: 'finish', path, generation });
        if (blow === 'reject') throw new Error('async');
        return blow === 'exit' ? exit : generation;
      });
    },
    terminate: async (generation) => {
      await idle(1);
      log.push({ what: 'terminate', path, generation });
    },
  });
}
