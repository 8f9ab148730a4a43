/**
 * Raises and resolves that wait for the worker, in order. A raise that repeats the last change of its alert is counted
 * into it, so a burst takes one place; at most 10,000 places, then the newest is dropped and reported.
 */
import type { AlertInput } from './alerts.ts';

const mostChanges = 10_000;

export type Change =
  | { readonly kind: 'raise'; readonly alert: Required<AlertInput>; readonly count: number }
  | { readonly kind: 'resolve'; readonly rule: string; readonly subject: string };

export interface ChangeQueue {
  /** True when it took a place of its own, false when it was only counted. */
  raise(alert: Required<AlertInput>): boolean;
  resolve(rule: string, subject: string): void;
  take(): Change | null;
}

export function openChangeQueue(onDropped: (total: number) => void): ChangeQueue {
  const places = new Map<number, Change>();
  /** Where the last change of an alert stands. */
  const lastPlace = new Map<string, number>();
  let next = 0;
  let dropped = 0;

  function add(key: string, change: Change): void {
    if (places.size >= mostChanges) {
      dropped += 1;
      if (Number.isInteger(Math.log10(dropped))) onDropped(dropped);
      return;
    }
    places.set(next, change);
    lastPlace.set(key, next);
    next += 1;
  }

  return {
    raise(alert) {
      const key = keyOf(alert.rule, alert.subject);
      const place = lastPlace.get(key);
      const last = place === undefined ? undefined : places.get(place);
      if (last?.kind === 'raise') {
        places.set(place!, { kind: 'raise', alert, count: last.count + 1 });
        return false;
      }
      add(key, { kind: 'raise', alert, count: 1 });
      return true;
    },
    resolve(rule, subject) {
      const key = keyOf(rule, subject);
      const place = lastPlace.get(key);
      if (place === undefined || places.get(place)?.kind !== 'resolve') add(key, { kind: 'resolve', rule, subject });
    },
    take() {
      for (const [place, change] of places) {
        places.delete(place);
        const { rule, subject } = change.kind === 'raise' ? change.alert : change;
        const key = keyOf(rule, subject);
        if (lastPlace.get(key) === place) lastPlace.delete(key);
        return change;
      }
      return null;
    },
  };
}

function keyOf(rule: string, subject: string): string {
  return JSON.stringify([rule, subject]);
}
