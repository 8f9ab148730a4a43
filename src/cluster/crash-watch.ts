/**
 * One alert for a crash loop of node processes, however many of them die and however often: raised at the third death
 * without a healthy life in between, taken back when every process has lived for `healthyAfterMs`.
 */
import type { Alerts } from '../alerts/alerts.ts';

export interface CrashWatch {
  died(index: number, error: Error): void;
  began(index: number): void;
  close(): void;
}

const alertAt = 3;

export function watchCrashes(alerts: Alerts, subject: string, healthyAfterMs: number): CrashWatch {
  const rule = 'process.crash-loop';
  const deaths = new Map<number, number>();
  const timers = new Map<number, NodeJS.Timeout>();
  return {
    died(index, error) {
      clearTimeout(timers.get(index));
      const count = (deaths.get(index) ?? 0) + 1;
      deaths.set(index, count);
      if (count < alertAt) return;
      const message = `node process ${index} died ${count} times in a row; the last: ${error.message}. It is started again, later each time; see: linekeeper process list`;
      alerts.raise({ rule, subject, level: 'critical', message });
    },
    began(index) {
      clearTimeout(timers.get(index));
      const healthy = () => {
        deaths.delete(index);
        if (deaths.size === 0) alerts.resolve(rule, subject);
      };
      timers.set(index, setTimeout(healthy, healthyAfterMs).unref());
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
