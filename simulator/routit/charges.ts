/**
 * The charges of one end customer in one period: lines in order of start, priced by the purchase tariff, as a gzipped CSV
 * with `;` and a byte order mark. Amounts have four decimals behind a point or a comma, by customer.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Calendar } from '../calendar.ts';
import { categoryOfCallCode, type UsageRecord } from '../usage-record.ts';

export interface Charges {
  reseller: string;
  /** `2026-03` */
  period: string;
  customerId: string;
  decimalMark: '.' | ',';
  /** First day of the customer's contract. */
  contractFrom: string;
  lines: readonly UsageRecord[];
}

export interface ChargesFile {
  name: string;
  gz: Buffer;
  md5: string;
  rows: number;
  netE4: number;
}

export const columns = [
  'CustomerId',
  'Service',
  'ANumber',
  'BNumber',
  'StartLocal',
  'DurationSec',
  'Destination',
  'Type',
  'Purchase',
  'Currency',
  'Reference',
];

/** The provider's own words for what the call codes mean. */
export const typeOfCategory: Readonly<Record<string, string>> = {
  'national-fixed': 'VAST',
  'national-mobile': 'MOBIEL',
  'on-net': 'INTERN',
  international: 'BUITENLAND',
  freephone: 'GRATIS',
  premium: 'SERVICE',
  'short-code': 'KORT',
  voicemail: 'VOICEMAIL',
  sms: 'SMS',
  'sms-abroad': 'SMS-BUITENLAND',
  'sms-premium': 'SMS-DIENST',
};

export function chargesName({
  reseller,
  period,
  customerId,
}: Pick<Charges, 'reseller' | 'period' | 'customerId'>): string {
  return `charges_${reseller}_${period.replace('-', '')}_${customerId}.csv.gz`;
}

export function rowsOf(charges: Charges, calendar: Calendar): string[][] {
  return charges.lines.map((line) => [
    charges.customerId,
    line.line === '20' ? 'SMS' : line.line === '10' ? 'VOIP' : 'DIENST',
    line.msisdn,
    line.dialled,
    calendar.localText(line.startS).replace(/(....)(..)(..)(..)(..)(..)/, '$1-$2-$3 $4:$5:$6'),
    line.line === '10' ? String(line.quantity) : '0',
    line.text,
    typeOf(line),
    money(line.amountE4, charges.decimalMark),
    'EUR',
    line.id,
  ]);
}

export function csvOf(rows: readonly (readonly string[])[], header: readonly string[] = columns): string {
  return [header, ...rows].map((row) => `${row.map(quoted).join(';')}\r\n`).join('');
}

export function fileOf(charges: Charges, text: string | Buffer): ChargesFile {
  const plain = typeof text === 'string' ? Buffer.from(`\uFEFF${text}`) : text;
  const gz = gzipSync(plain, { level: 6 });
  gz.fill(0, 4, 8); // no modification time
  gz[9] = 255; // unknown operating system: the same bytes everywhere
  const netE4 = charges.lines.reduce((sum, line) => sum + line.amountE4, 0);
  return { name: chargesName(charges), gz, md5: md5Of(gz), rows: charges.lines.length, netE4 };
}

export function md5Of(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function typeOf({ line, callCode, amountE4 }: UsageRecord): string {
  if (line === '40') return 'ABONNEMENT';
  if (line === '50') return amountE4 < 0 ? 'CREDIT' : 'EENMALIG';
  const category = categoryOfCallCode[callCode];
  return (category !== undefined && typeOfCategory[category]) || `X${callCode}`;
}

export function money(amountE4: number, mark: '.' | ','): string {
  const digits = String(Math.abs(amountE4)).padStart(5, '0');
  return `${amountE4 < 0 ? '-' : ''}${digits.slice(0, -4)}${mark}${digits.slice(-4)}`;
}

function quoted(text: string): string {
  return /[";\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
