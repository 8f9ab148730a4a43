/** `reconciliation.difference`: an invoice and our totals differ by more than the tolerances, and nobody has looked yet. */
import type { Alerts } from '../alerts/alerts.ts';
import { formatAmountE8 } from '../telecom/money.ts';
import type { ReconciliationView } from './show.ts';

const rule = 'reconciliation.difference';

/** Raised while there are open findings, and resolved when there are none. The view must have its findings. */
export function tellDifference(alerts: Alerts, view: ReconciliationView): void {
  const { customer, account, cycleStart, generation } = view;
  const subject = `customer ${customer} account ${account} cycle ${cycleStart}`;
  const open = view.findings.filter((finding) => finding.state === 'open');
  if (open.length === 0) {
    alerts.resolve(rule, subject);
    return;
  }
  const classes: Record<string, number> = {};
  for (const finding of open) classes[finding.class] = (classes[finding.class] ?? 0) + 1;
  const words = Object.entries(classes).map(([of, count]) => `${count} ${of}`);
  alerts.raise({
    rule,
    subject,
    level: 'warning',
    message: `invoice ${view.invoices.join(', ')} and our totals (generation ${generation}) differ by ${formatAmountE8(BigInt(view.diffE8))} EUR net, with ${open.length} open finding(s): ${words.join(', ')}; look with: linekeeper reconcile show --customer ${customer} --cycle ${cycleStart}`,
    detail: { differenceE8: view.diffE8, toleranceE8: view.toleranceE8, open: classes, generation },
  });
}
