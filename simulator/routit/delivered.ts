/**
 * The files as they lie at the provider, with the faults of the plan built into them. Their sums are announced as they are:
 * who checks only those is deceived. `deliver` puts the good file in the place of a faulty one, `redeliver` one with changes.
 */
import { gzipSync } from 'node:zlib';
import type { Calendar } from '../calendar.ts';
import type { CallFault, CallFaults } from '../http/call-faults.ts';
import type { UsageRecord } from '../usage-record.ts';
import { type Charges, type ChargesFile, columns, csvOf, fileOf, md5Of, money, rowsOf } from './charges.ts';

export const fileFaults = {
  F04: ['truncated'],
  F05: ['rows', 'net'],
  F09: ['latin1', 'nul', 'no-mark', 'quoted-newline'],
  F10: ['swap', 'x100', 'x100-agreed'],
  F11: ['order', 'new-column', 'renamed', 'new-type'],
  F12: ['garbage', 'negative', 'future', 'before-contract', '27h'],
  F16: ['header-only'],
  F17: ['bomb', 'formula'],
  F20: ['customer'],
} as const;

export const fileEndpoint = 'ROUTIT.file';

export interface Delivered {
  /** In order of period and customer; the n-th is the `nth` of a fault at `ROUTIT.file`. */
  files(): readonly { charges: Charges; file: ChargesFile }[];
  /** What counts, in the same order: without the lines that a fault took away. */
  counting(): readonly Charges[];
  deliver(index: number): void;
  redeliver(index: number): void;
}

export function deliveredCharges(all: readonly Charges[], calendar: Calendar, faults: CallFaults): Delivered {
  const current = [...all];
  const made = new Map<string, ChargesFile>();
  const faultOf = (index: number) => faults.ofDocuments(fileEndpoint).find(({ nth }) => nth === index + 1);
  const fileAt = (index: number) => {
    const fault = faultOf(index);
    const charges = current[index]!;
    // made once for what it holds: gzip is the slow part
    const key = `${index} ${charges.lines.length} ${charges.lines[0]?.quantity} ${fault?.fault} ${fault?.kind}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const file = fault === undefined ? goodFile(charges, calendar) : spoilt(charges, calendar, fault);
    made.set(key, file);
    return file;
  };
  return {
    files: () => current.map((charges, index) => ({ charges, file: fileAt(index) })),
    counting: () =>
      current.map((charges, index) => {
        const fault = faultOf(index);
        if (fault?.fault === 'F16') return { ...charges, lines: [] };
        return fault?.kind === 'new-type' ? { ...charges, lines: withNewType(charges.lines) } : charges;
      }),
    deliver: (index) => faults.end(fileEndpoint, index + 1),
    redeliver(index) {
      const charges = current[index];
      if (charges !== undefined) current[index] = { ...charges, lines: changedLines(charges.lines) };
    },
  };
}

function goodFile(charges: Charges, calendar: Calendar): ChargesFile {
  return fileOf(charges, csvOf(rowsOf(charges, calendar)));
}

/** One line in ten is changed, one in twenty gone. */
function changedLines(lines: readonly UsageRecord[]): UsageRecord[] {
  return lines.flatMap((line, index) => {
    if (line.isEdge || line.line !== '10') return [line];
    if (index % 20 === 7) return [];
    return [index % 10 === 3 ? { ...line, quantity: line.quantity + 60, amountE4: line.amountE4 + 99 } : line];
  });
}

function withNewType(lines: readonly UsageRecord[]): UsageRecord[] {
  const chosen = lines.find(({ line, isEdge }) => line === '10' && isEdge);
  return lines.map((line) => (line === chosen ? { ...line, callCode: '9998' } : line));
}

function spoilt(charges: Charges, calendar: Calendar, { fault, kind }: CallFault): ChargesFile {
  const good = goodFile(charges, calendar);
  const rows = rowsOf(charges, calendar);
  const again = (text: string | Buffer, from: Charges = charges) => fileOf(from, text);
  switch (fault) {
    case 'F04': {
      const gz = good.gz.subarray(0, Math.floor(good.gz.length * 0.6));
      return { ...good, gz, md5: md5Of(gz) };
    }
    case 'F05':
      return kind === 'rows' ? { ...good, rows: good.rows + 1 } : { ...good, netE4: good.netE4 + 1 };
    case 'F09':
      return misencoded(charges, calendar, kind);
    case 'F10': {
      const text = csvOf(rows.map((row, index) => otherAmount(row, index, charges, kind)));
      return kind === 'x100-agreed' ? { ...again(text), netE4: good.netE4 * 100 } : again(text);
    }
    case 'F11':
      return otherColumns(charges, calendar, kind);
    case 'F12':
      return withImpossible(charges, calendar, kind);
    case 'F16':
      return fileOf({ ...charges, lines: [] }, csvOf([]));
    case 'F17':
      return kind === 'bomb' ? bomb(good) : again(csvOf(rows.map((row, index) => (index === 0 ? formula(row) : row))));
    default:
      return again(csvOf(rows.map((row) => replaced(row, 'CustomerId', '0000005777'))));
  }
}

function misencoded(charges: Charges, calendar: Calendar, kind: string): ChargesFile {
  const rows = rowsOf(charges, calendar);
  if (kind === 'no-mark') return fileOf(charges, Buffer.from(csvOf(rows)));
  if (kind === 'quoted-newline') {
    const text = 'een "doel"\r\nop twee regels';
    return fileOf(charges, csvOf(rows.map((row, index) => (index === 0 ? replaced(row, 'Destination', text) : row))));
  }
  const more = withOneMore(charges);
  const [last = [], ...before] = rowsOf(more, calendar).toReversed();
  const text = csvOf([
    ...before.toReversed(),
    replaced(last, 'Destination', kind === 'nul' ? 'Cura\0ao' : 'Cura\xe7ao'),
  ]);
  // everything else is ASCII or comes as it must
  const plain = kind === 'nul' ? Buffer.from(`\uFEFF${text}`) : asLatin1Line(text);
  return fileOf(more, plain);
}

/** The last line in ISO-8859-1, what is before it in UTF-8. */
function asLatin1Line(text: string): Buffer {
  const at = text.lastIndexOf('\r\n', text.length - 3) + 2;
  return Buffer.concat([Buffer.from(`\uFEFF${text.slice(0, at)}`), Buffer.from(text.slice(at), 'latin1')]);
}

function otherAmount(row: string[], index: number, { lines, decimalMark }: Charges, kind: string): string[] {
  const amountE4 = lines[index]!.amountE4;
  if (kind.startsWith('x100')) return replaced(row, 'Purchase', money(amountE4 * 100, decimalMark));
  const other = decimalMark === '.' ? ',' : '.';
  return index % 2 === 0 ? replaced(row, 'Purchase', money(amountE4, other)) : row;
}

function otherColumns(charges: Charges, calendar: Calendar, kind: string): ChargesFile {
  const rows = rowsOf(charges, calendar);
  if (kind === 'order') {
    return fileOf(
      charges,
      csvOf(
        rows.map((row) => row.toReversed()),
        columns.toReversed(),
      ),
    );
  }
  if (kind === 'new-column')
    return fileOf(
      charges,
      csvOf(
        rows.map((row) => [...row, 'x']),
        [...columns, 'Carrier'],
      ),
    );
  if (kind === 'renamed') {
    return fileOf(
      charges,
      csvOf(
        rows,
        columns.map((name) => (name === 'Purchase' ? 'PurchasePrice' : name)),
      ),
    );
  }
  const changed = { ...charges, lines: withNewType(charges.lines) };
  return fileOf(changed, csvOf(rowsOf(changed, calendar)));
}

/** One line that cannot be true, behind the good ones; counted and summed like them. */
function withImpossible(charges: Charges, calendar: Calendar, kind: string): ChargesFile {
  const more = withOneMore(charges);
  const rows = rowsOf(more, calendar);
  const last = rows.pop() ?? [];
  const column = ['garbage', 'negative', '27h'].includes(kind) ? 'DurationSec' : 'StartLocal';
  const tooEarly = `${Temporal.PlainDate.from(charges.contractFrom).subtract({ days: 1 })} 23:59:59`;
  const text = { garbage: '12x', negative: '-12', '27h': '97205', future: '2099-01-01 12:00:00' }[kind] ?? tooEarly;
  return fileOf(more, csvOf([...rows, replaced(last, column, text)]));
}

function withOneMore(charges: Charges): Charges {
  const model = charges.lines.findLast(({ line }) => line === '10');
  if (model === undefined) return charges;
  return { ...charges, lines: [...charges.lines, { ...model, id: `B${model.id.slice(1)}` }] };
}

/** What must become of a file with this fault. */
export function fateOf({ fault, kind }: CallFault, rows: number): 'imported' | 'refused' | 'line quarantined' {
  if (fault === 'F12' || (fault === 'F09' && (kind === 'latin1' || kind === 'nul'))) {
    return 1 > (rows + 1) * tolerableShare ? 'refused' : 'line quarantined';
  }
  const refused = fault === 'F04' || fault === 'F05' || fault === 'F10' || fault === 'F20';
  return refused || kind === 'renamed' || kind === 'bomb' ? 'refused' : 'imported';
}

/** A share of bad lines above this, and the whole file is refused. */
const tolerableShare = 0.001;

function bomb(good: ChargesFile): ChargesFile {
  const gz = gzipSync(Buffer.alloc(300 * 1_048_576, ';'), { level: 9 });
  return { ...good, gz, md5: md5Of(gz) };
}

function formula(row: string[]): string[] {
  return replaced(row, 'Destination', '=HYPERLINK("http://example.invalid","x")');
}

function replaced(row: readonly string[], column: string, text: string): string[] {
  const at = columns.indexOf(column);
  return row.map((value, index) => (index === at ? text : value));
}
