/**
 * Decides what goes out: an alert is on its way once at a time, and its end is told only to those who heard of it. Keeps
 * when this process last told an open alert, for the time when the database is not there to ask.
 */
import type { Notice } from './channel.ts';
import type { AlertClock } from './clock.ts';
import type { Delivery } from './delivery.ts';

export interface Teller {
  /** Calls `onTold` when a channel took it. Does nothing while the same alert is on its way. */
  tell(notice: Notice, onTold: () => void): void;
  /** Takes back what was told. `wasTold`: by whoever told it before. */
  takeBack(notice: Omit<Notice, 'status'>, wasTold: boolean): void;
  lastToldAtMs(alert: { readonly rule: string; readonly subject: string }): number | null;
}

export function openTeller(delivery: Delivery, clock: AlertClock): Teller {
  const toldAtMs = new Map<string, number>();
  const onTheWay = new Set<string>();

  return {
    tell(notice, onTold) {
      const key = keyOf(notice);
      if (onTheWay.has(key)) return;
      onTheWay.add(key);
      void delivery.offer(notice).then((taken) => {
        onTheWay.delete(key);
        if (!taken) return;
        if (notice.status === 'resolved') toldAtMs.delete(key);
        else toldAtMs.set(key, clock.nowMs());
        onTold();
      });
    },
    takeBack(notice, wasTold) {
      const key = keyOf(notice);
      // a notice that is being sent right now will be heard first: the queues keep the order
      if (wasTold || toldAtMs.has(key) || onTheWay.has(key)) void delivery.offer({ ...notice, status: 'resolved' });
      toldAtMs.delete(key);
    },
    lastToldAtMs: (alert) => toldAtMs.get(keyOf(alert)) ?? null,
  };
}

function keyOf({ rule, subject }: { readonly rule: string; readonly subject: string }): string {
  return JSON.stringify([rule, subject]);
}
