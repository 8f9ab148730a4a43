/** Small CSV files for kernel tests, random from a seed, and what their totals are by the plainest means. */
import type { PricedPrefix } from '../../src/kernel/rating/price-list.ts';
import type { UsageLayout } from '../../src/kernel/usage-layout.ts';

export const layout: UsageLayout = {
  delimiter: ',',
  columns: { key: 'id', subscriber: 'from', kind: 'kind', to: 'to', start: 'start', usage: 'usage', charge: 'charge' },
  kinds: [
    { word: 'voice', kind: 'voice', category: 'national-mobile' },
    { word: 'sms', kind: 'sms', category: 'sms' },
  ],
};
export const header = 'id,from,kind,to,start,usage,charge,text';
export const per = [60, 1];
export const list: readonly PricedPrefix[] = [
  { prefix: '31', pricesE8: [1_234_500, 5_000_000] },
  { prefix: '316', pricesE8: [2_345_600, null] },
  { prefix: '3161', pricesE8: [999_900, 4_000_000] },
  { prefix: '49', pricesE8: [12_345_678, 9_999_999] },
  { prefix: '4915112', pricesE8: [1, 2] },
];

export function seeded(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}

/** Rows with quotes, line ends in quotes, wrong values and repeated ids. */
export function randomRows(seed: number, count: number): string[] {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  return Array.from({ length: count }, () => {
    const id = Math.floor(random() * count * 3) + (random() < 0.2 ? 2 ** 40 : 0);
    const to = pick(['31612345678', '3112', '4915112345678', '88123456789', '312', '4930123456']);
    const start = `2026-06-${String(1 + Math.floor(random() * 30)).padStart(2, '0')}T1${Math.floor(random() * 10)}:00:0${Math.floor(random() * 10)}Z`;
    const fields = [id, 31_610_000_000 + Math.floor(random() * 5), pick(['voice', 'sms']), to, start];
    const usage = random() < 0.04 ? pick(['x', '-1', '', '1.5']) : Math.floor(random() * 4000);
    const text = pick([
      'plain',
      '',
      '"a, b"',
      '"two\nlines"',
      '"say ""no"""',
      `"\n${fields.join(',')},5,0.1000,looks like a record\n"`,
      'bad "quote',
    ]);
    const row = `${fields.join(',')},${usage},${pick(['0.1000', '12.0000', '0.5'])},${text}`;
    return random() < 0.03 ? pick([`${id},short`, `${row},more`, `"${id}"${row.slice(row.indexOf(','))}`]) : row;
  });
}

export interface PlainTotals {
  readonly rows: readonly string[];
  readonly records: number;
  readonly duplicates: number;
  readonly wrong: number;
}

/** Splits by RFC 4180 one character at a time, keeps the last of each id in a Map and sums in bigint. */
export function plainTotals(text: string): PlainTotals {
  const byId = new Map<string, { subscriber: string; kind: number; usage: bigint; chargeE8: bigint; to: string }>();
  let good = 0;
  let wrong = 0;
  for (const { fields, wellQuoted } of split(text).slice(1)) {
    const [id, from, kind, to, start, usage, charge] = fields as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const right =
      wellQuoted &&
      fields.length === 8 &&
      /^\d{1,18}$/.test(id) &&
      (kind === 'voice' || kind === 'sms') &&
      !Number.isNaN(Date.parse(start)) &&
      /^\d{1,9}$/.test(usage) &&
      /^\d+\.\d+$/.test(charge);
    if (!right) {
      wrong += 1;
      continue;
    }
    good += 1;
    const [whole, fraction] = charge.split('.') as [string, string];
    const chargeE8 = BigInt(whole + fraction.padEnd(8, '0'));
    byId.set(String(BigInt(id)), {
      subscriber: from,
      kind: kind === 'voice' ? 0 : 1,
      usage: BigInt(usage),
      chargeE8,
      to,
    });
  }
  const sums = new Map<string, bigint[]>();
  for (const { subscriber, kind, usage, chargeE8, to } of byId.values()) {
    const prefix = list
      .filter((each) => to.startsWith(each.prefix))
      .sort((a, b) => b.prefix.length - a.prefix.length)[0];
    const priceE8 = prefix?.pricesE8[kind] ?? null;
    const divisor = BigInt(per[kind]!) * 10_000n;
    const amount = priceE8 === null ? 0n : ((2n * BigInt(priceE8) * usage + divisor) / (2n * divisor)) * 10_000n;
    const sum = sums.get(`${subscriber} ${kind}`) ?? [0n, 0n, 0n, 0n, 0n];
    const added = [1n, priceE8 === null ? 1n : 0n, usage, amount, chargeE8];
    sums.set(
      `${subscriber} ${kind}`,
      sum.map((value, index) => value + added[index]!),
    );
  }
  const rows = [...sums].map(([key, sum]) => `${key} ${sum.join(' ')}`).sort();
  return { rows, records: byId.size, duplicates: good - byId.size, wrong };
}

function split(text: string): { fields: string[]; wellQuoted: boolean }[] {
  const records: { fields: string[]; wellQuoted: boolean }[] = [];
  let at = 0;
  while (at < text.length) {
    const fields: string[] = [];
    let wellQuoted = true;
    for (;;) {
      let field = '';
      const quoted = text[at] === '"';
      if (quoted) {
        at += 1;
        for (; at < text.length; at += 1) {
          if (text[at] !== '"') field += text[at];
          else if (text[at + 1] === '"') {
            field += '"';
            at += 1;
          } else break;
        }
        if (at === text.length) wellQuoted = false;
        at += 1;
      }
      for (; at < text.length && text[at] !== ',' && text[at] !== '\n'; at += 1) {
        if (quoted || text[at] === '"') wellQuoted = false;
        field += text[at];
      }
      fields.push(field);
      at += 1;
      if (at > text.length || text[at - 1] === '\n') break;
    }
    records.push({ fields, wellQuoted });
  }
  return records;
}
