/** What the primary does with the messages of its nodes: alerts to the alert service, signals to all the other nodes. */
import type { AlertService } from '../alerts/open-alerts.ts';
import type { FromNode, Question } from './messages.ts';
import type { NodeProcess } from './node-process.ts';

export interface ExchangeServices {
  readonly alerts: AlertService;
  readonly nodes: () => readonly (NodeProcess | null)[];
  readonly onWorking: () => void;
  readonly onGiveUp: (why: string) => void;
}

export function exchange(services: ExchangeServices): (from: number, message: FromNode) => void {
  const { alerts, nodes } = services;

  async function answer({ kind, ...about }: Question): Promise<unknown> {
    switch (kind) {
      case 'flush-alerts':
        return alerts.flush((about as { deadlineMs: number }).deadlineMs);
      case 'test-alert':
        return alerts.test((about as { by: string }).by);
    }
  }

  return (from, message) => {
    switch (message.type) {
      case 'raise':
        alerts.raise(message.alert);
        return;
      case 'resolve':
        alerts.resolve(message.rule, message.subject);
        return;
      case 'signal':
        for (const node of nodes()) if (node && node.index !== from) node.send(message);
        return;
      case 'working':
        services.onWorking();
        return;
      case 'give-up':
        services.onGiveUp(message.why);
        return;
      case 'ask': {
        const reply = (value: unknown) =>
          nodes()[from - 1]?.send({ type: 'answer', question: message.question, value: value ?? null });
        // a question that failed stays without an answer: whoever asked has a deadline
        answer(message.about).then(reply, () => {});
        return;
      }
      default:
        return;
    }
  };
}
