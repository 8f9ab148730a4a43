/** Faults in what an answer of the usage endpoint says. The next answer is right again. */
import type { CallFault } from '../http/call-faults.ts';
import { json, type Reply } from '../http/reply.ts';
import type { Item } from './item.ts';

export interface UsagePage {
  account: string;
  total: number;
  items: Item[];
  next: string | null;
  asOf: string;
}

export const usageFaults = {
  F05: ['total'],
  F09: ['invalid-utf8', 'bom', 'nul'],
  F10: ['comma', 'x100'],
  F11: ['new-field', 'renamed', 'new-type'],
  F12: ['garbage', 'negative', 'future', 'before-contract', '27h'],
  F14: ['twice', 'missed', 'expired-cursor'],
  F17: ['nesting', 'huge'],
  F20: ['account'],
} as const;

/** The page as a reply, spoilt when the fault says so. `tooEarly`: a time before the contract. */
export function pageReply(page: UsagePage, fault: CallFault | null, tooEarly: string): Reply {
  const good = json(200, page);
  switch (fault?.fault) {
    case 'F05':
      return json(200, { ...page, total: page.total + 1 });
    case 'F09':
      return { ...good, body: misencoded(good.body, fault.kind) };
    case 'F10':
      return json(200, {
        ...page,
        items: page.items.map((item) => ({ ...item, amount: spoiltAmount(item, fault.kind) })),
      });
    case 'F11':
      return json(200, { ...page, items: page.items.map((item, index) => otherShape(item, index, fault.kind)) });
    case 'F12':
      return json(200, { ...page, items: [...page.items, ...impossible(page.items, fault.kind, tooEarly)] });
    case 'F14':
      return json(200, { ...page, items: shifted(page.items, fault.kind) });
    case 'F17':
      return { ...good, body: hostile(good.body, fault) };
    case 'F20':
      return json(200, { ...page, account: '0000099999' });
    default:
      return good;
  }
}

function misencoded(body: Buffer, kind: string): Buffer {
  if (kind === 'bom') return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]);
  const text = body.toString('latin1');
  // inside of the first text of the first item
  return Buffer.from(text.replace('"id":"', kind === 'nul' ? '"id":"\0' : '"id":"\xe9'), 'latin1');
}

function spoiltAmount({ amount }: Item, kind: string): unknown {
  const { value, currency } = amount as { value: string; currency: string };
  if (kind === 'comma') return { value: value.replace('.', ','), currency };
  const digits = value.replace('.', '').replace(/^(-?)0+(?=\d{5})/, '$1');
  return { value: `${digits}00`.replace(/(\d{4})$/, '.$1'), currency };
}

function otherShape(item: Item, index: number, kind: string): Item {
  if (kind === 'new-field') return { ...item, carrier: 'Calvi' };
  if (kind === 'new-type') return index === 0 ? { ...item, type: `${String(item.type).split('_')[0]}_QUANTUM` } : item;
  const { startedAt, ...rest } = item;
  return { ...rest, start: startedAt };
}

function impossible(items: readonly Item[], kind: string, tooEarly: string): Item[] {
  const model = items.find((item) => String(item.type).startsWith('VOICE'));
  if (model === undefined) return [];
  const bad = { ...model, id: `bad-${String(model.id)}` };
  if (kind === 'garbage') return [{ ...bad, seconds: '12x' }];
  if (kind === 'negative') return [{ ...bad, seconds: -12 }];
  if (kind === 'future') return [{ ...bad, startedAt: '2099-01-01T12:00:00+01:00' }];
  if (kind === 'before-contract') return [{ ...bad, startedAt: tooEarly }];
  return [{ ...bad, seconds: 27 * 3600 + 5 }];
}

/** A page whose neighbour moved while it was read. */
function shifted(items: readonly Item[], kind: string): Item[] {
  if (kind === 'missed') return items.slice(1);
  return kind === 'twice' && items[0] !== undefined ? [...items, items[0]] : [...items];
}

function hostile(body: Buffer, { kind, arg }: CallFault): Buffer {
  const text = body.toString('utf8').replace(/}$/, '');
  if (kind === 'nesting') return Buffer.from(`${text},"extra":${'['.repeat(200_000)}${']'.repeat(200_000)}}`);
  return Buffer.from(`${text},"extra":"${'x'.repeat((arg.mebibytes ?? 64) * 1_048_576)}"}`);
}
