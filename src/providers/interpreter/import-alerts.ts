/** What an import found that a person should know, and what is over now. */
import type { Alerts } from '../../alerts/alerts.ts';
import { unknownCodeRule, unknownCodeSubject } from '../../totals/unrated-alerts.ts';
import type { SyncSubject } from '../sync-input.ts';
import type { Accepted, Refused } from './file-to-import.ts';
import { windowOf } from './page-name.ts';

export interface ImportReport {
  readonly accepted: readonly Accepted[];
  readonly refused: readonly Refused[];
  readonly missing: { readonly numbers: readonly number[]; readonly blocks: boolean };
  readonly restarted: { readonly seq: number; readonly lastSeq: number } | null;
  readonly heldBack: number;
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
  reportMissing(alerts, subject, report);
  reportRestarted(alerts, subject, report);
  for (const { file, decoded } of report.accepted) {
    alerts.resolve('file.quarantined', about(file.name));
    if (windowOf(file.name) === null) reportLines(alerts, about(file.name), file.name, decoded);
  }
  reportUnknown(alerts, subject, report.accepted);
}

/** One for each code of the account; rating ends it, when nothing is unrated for it any more. */
function reportUnknown(alerts: Alerts, { customer, account }: SyncSubject, accepted: readonly Accepted[]): void {
  for (const { file, decoded } of accepted) {
    for (const code of decoded.unknownCallCodes) {
      alerts.raise({
        rule: unknownCodeRule,
        subject: unknownCodeSubject(`${customer}/${account}`, code),
        level: 'warning',
        message: `${file.name} has the unknown call code ${code}; its records are imported as unrated`,
        once: true,
      });
    }
  }
}

function reportLines(alerts: Alerts, subject: string, name: string, { quarantined }: Accepted['decoded']): void {
  const [first] = quarantined;
  if (!first) {
    alerts.resolve(linesRule, subject);
    return;
  }
  const message = `${quarantined.length} lines of ${name} are quarantined; first: line ${first.line}, ${first.message}`;
  alerts.raise({ rule: linesRule, subject, level: 'warning', message });
}

const linesRule = 'file.lines-quarantined';

export interface PagesReport {
  /** Names of the pages whose windows were read whole since. */
  readonly settled: readonly string[];
  readonly accepted: readonly Accepted[];
  /** Records of all the account's pages that are in quarantine. */
  readonly open: number;
}

/** A record that stays wrong is in the pages of many windows: it is one alert, until none is wrong any more. */
export function reportPages(alerts: Alerts, subject: SyncSubject, { settled, accepted, open }: PagesReport): void {
  for (const name of settled) alerts.resolve('file.quarantined', `${subject.customer}/${name}`);
  const about = `${subject.customer}/pages of account ${subject.account}`;
  if (open === 0) alerts.resolve(linesRule, about);
  const wrong = accepted.find(({ decoded }) => decoded.quarantined.length > 0);
  if (!wrong) return;
  const { line, message } = wrong.decoded.quarantined[0]!;
  alerts.raise({
    rule: linesRule,
    subject: about,
    level: 'warning',
    message: `${open} records of account ${subject.account} are quarantined; the latest: ${wrong.file.name}, line ${line}, ${message}`,
  });
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

/** It ends with the first import whose numbers are all new. */
function reportRestarted(alerts: Alerts, { customer, account }: SyncSubject, report: ImportReport): void {
  const { accepted, restarted } = report;
  const alert = { rule: 'file.numbering-restarted', subject: `${customer}/${account}` };
  if (restarted) {
    const message = `the numbers of the files of account ${account} began anew: number ${restarted.seq} is there a second time; a missing number is not noticed until ${restarted.lastSeq} is passed`;
    alerts.raise({ ...alert, level: 'warning', message, once: true });
  } else if (accepted.some(({ file }) => file.seq !== null)) alerts.resolve(alert.rule, alert.subject);
}
