/** What an import found that a person should know, and what is over now. */
import type { Alerts } from '../../alerts/alerts.ts';
import type { SyncSubject } from '../sync-input.ts';
import type { Accepted } from './import.ts';
import type { Refused } from './imported-files.ts';

export interface ImportReport {
  readonly accepted: readonly Accepted[];
  readonly refused: readonly Refused[];
  readonly missing: { readonly numbers: readonly number[]; readonly blocks: boolean };
  readonly heldBack: number;
  /** Pages that were refused, and whose windows were read whole now. */
  readonly readAgain: readonly string[];
}

export function reportImport(alerts: Alerts, subject: SyncSubject, report: ImportReport): void {
  const about = (name: string) => `${subject.customer}/${name}`;
  for (const { file, problem } of report.refused) {
    alerts.raise({
      rule: 'file.quarantined',
      subject: about(file.name),
      level: 'critical',
      message: `${file.name} is quarantined, nothing of it was imported: ${problem.message}`,
      detail: { ...problem },
    });
  }
  for (const name of report.readAgain) alerts.resolve('file.quarantined', about(name));
  reportMissing(alerts, subject, report);
  for (const { file, decoded } of report.accepted) {
    alerts.resolve('file.quarantined', about(file.name));
    const [first] = decoded.quarantined;
    if (!first) alerts.resolve('file.lines-quarantined', about(file.name));
    else {
      alerts.raise({
        rule: 'file.lines-quarantined',
        subject: about(file.name),
        level: 'warning',
        message: `${decoded.quarantined.length} lines of ${file.name} are quarantined; first: line ${first.line}, ${first.message}`,
      });
    }
    if (decoded.unknownCallCodes.length > 0) {
      alerts.raise({
        rule: 'file.unknown-call-code',
        subject: about(decoded.unknownCallCodes.join(',')),
        level: 'warning',
        message: `${file.name} has unknown call codes ${decoded.unknownCallCodes.join(', ')}; their records are imported as unrated`,
      });
    }
  }
}

const gapRule = 'file.sequence-gap';

/** A gap that blocks is one alert until it is closed; one that does not is an alert for each number, until that comes. */
function reportMissing(alerts: Alerts, subject: SyncSubject, { accepted, missing, heldBack }: ImportReport): void {
  const about = `${subject.customer}/${subject.account}`;
  if (missing.blocks) {
    const [number] = missing.numbers;
    const message = `file number ${number} of account ${subject.account} is missing; ${heldBack} later files wait for it`;
    if (number === undefined) alerts.resolve(gapRule, about);
    else alerts.raise({ rule: gapRule, subject: about, level: 'critical', message });
    return;
  }
  for (const { file } of accepted) alerts.resolve(gapRule, `${about} number ${file.seq}`);
  for (const number of missing.numbers) {
    const message = `file number ${number} of account ${subject.account} is missing; what comes after it was imported without it`;
    alerts.raise({ rule: gapRule, subject: `${about} number ${number}`, level: 'warning', message });
  }
}
