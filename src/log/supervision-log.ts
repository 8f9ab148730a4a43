/** Every event of a supervision tree is a log line; what gave up is also an alert. */
import type { SupervisionEvent } from '../../supervisors/types.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { Log } from './log.ts';

export function supervisionLog(log: Log, alerts: Alerts): (event: SupervisionEvent) => void {
  return (event) => {
    const { type, path, ...rest } = event;
    switch (type) {
      case 'restarted':
        log.info({ path, ...rest }, 'restarted');
        alerts.resolve('supervision.gave-up', path);
        return;
      case 'gave-up':
        log.error({ path, ...rest }, 'gave up');
        alerts.raise({
          rule: 'supervision.gave-up',
          subject: path,
          level: 'critical',
          message: `${path} gave up: ${event.error.message}`,
        });
        return;
      default:
        log.warn({ path, ...rest }, type);
    }
  };
}
