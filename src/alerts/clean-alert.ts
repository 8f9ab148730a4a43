/** What an alert may carry to a row, a file and a stranger's receiver: no number, no secret, no byte that PostgreSQL refuses. */
import { maskValue } from '../log/mask.ts';
import type { AlertInput } from './alerts.ts';

const longestMessage = 4_000;
const longestDetail = 16_384;

export function cleanAlert(alert: AlertInput): Required<AlertInput> {
  return {
    rule: cleanText(alert.rule, 200),
    subject: cleanText(alert.subject, 500),
    level: alert.level,
    message: cleanText(alert.message, longestMessage),
    detail: cleanDetail(alert.detail ?? {}),
    once: alert.once ?? false,
  };
}

/** Masked, cut, without NUL and half surrogates. */
export function cleanText(text: string, longest: number): string {
  return storable(String(maskValue(text))).slice(0, longest);
}

function cleanDetail(detail: Record<string, unknown>): Record<string, unknown> {
  const json = JSON.stringify(maskValue(detail));
  if (json.length > longestDetail) return { leftOut: `${json.length} characters of detail` };
  return JSON.parse(json, (_key, value) => (typeof value === 'string' ? storable(value) : value));
}

function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
