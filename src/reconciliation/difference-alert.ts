/** `reconciliation.difference`: an invoice and our totals differ by more than the tolerances, and nobody has looked yet. */
import { createHash } from 'node:crypto';
import type { Alerts } from '../alerts/alerts.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import type { ReconciliationView } from './show.ts';

const rule = 'reconciliation.difference';

type About = Pick<ReconciliationView, 'customer' | 'account' | 'cycleStart'>;
const subjectOf = ({ customer, account, cycleStart }: About) =>
  `customer ${customer} account ${account} cycle ${cycleStart}`;

/** Nothing is left that could differ. */
export function endDifference(alerts: Alerts, about: About): void {
  alerts.resolve(rule, subjectOf(about));
}

/**
 * Raised while there are open findings, and resolved when there are none. Told once for the same open findings, however often they
 * are found, and again when they are others. The view must have its findings.
 */
export function tellDifference(alerts: Alerts, view: ReconciliationView): void {
  const { customer, cycleStart, generation } = view;
  const subject = subjectOf(view);
  const open = view.findings.filter((finding) => finding.state === 'open');
  if (open.length === 0) {
    alerts.resolve(rule, subject);
    return;
  }
  const classes: Record<string, number> = {};
  // no numbers: what is told stays with the receiver
  const set = open.map(({ basis, class: of, category, diffE8 }) => [basis, of, category, diffE8].join(' ')).sort();
  for (const finding of open) classes[finding.class] = (classes[finding.class] ?? 0) + 1;
  const words = Object.entries(classes).map(([of, count]) => `${count} ${of}`);
  alerts.raise({
    rule,
    subject,
    level: 'warning',
    message: `invoice ${view.invoices.join(', ')} and our totals (generation ${generation}) differ by ${formatAmountE8(BigInt(view.diffE8))} EUR net, with ${open.length} open finding(s): ${words.join(', ')}; look with: linekeeper reconcile show --customer ${customer} --cycle ${cycleStart}`,
    detail: { differenceE8: view.diffE8, open: classes, findings: digestOf(set) },
    once: true,
  });
}

function digestOf(findings: readonly string[]): string {
  return createHash('sha256').update(findings.join('\n')).digest('hex').slice(0, 16);
}
