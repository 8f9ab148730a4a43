/** Builds SP16X files for tests, byte by byte from the description in domain.md, sharing nothing with the decoder. */
import { crc32, gzipSync } from 'node:zlib';

export interface LineParts {
  type?: string;
  id?: string;
  msisdn?: string;
  dialled?: string;
  /** yyyymmddhhmmss, or yyyymmdd + yyyymmdd in 40 and 50. */
  start?: string;
  dst?: string;
  usage?: string;
  code?: string;
  visited?: string;
  amount?: string;
  vat?: string;
  bundle?: string;
  correction?: string;
  original?: string;
  text?: string;
  octets?: string;
}

export interface FileParts {
  account?: string;
  seq?: string;
  from?: string;
  to?: string;
  header?: Partial<Record<'created' | 'currency' | 'layout' | 'previous', string>>;
  trailer?: Partial<Record<'records' | 'sum' | 'crc', string>>;
}

export const account = '0000000101';
export const fileNameOf = (month = '202603', seq = '000001') => `SP16X_${account}_${month}_${seq}.dat.gz`;

/** A voice call of a minute, with an id of its own when `id` is a number's text. */
export function line(parts: LineParts = {}): string {
  const type = parts.type ?? '10';
  const charge = type === '40' || type === '50';
  const body =
    type +
    (parts.id ?? '1').padStart(12, '0') +
    (parts.msisdn ?? '31612345678').padEnd(15) +
    (parts.dialled ?? (type === '30' ? 'internet' : charge ? '' : '0687654321')).padEnd(24) +
    (parts.start ?? (charge ? '2026030120260331' : '20260310120000')).padEnd(14) +
    (charge ? '' : (parts.dst ?? ' ')) +
    (charge ? ' '.repeat(7) : (parts.usage ?? '60').padStart(8, '0')) +
    (parts.code ?? (charge ? '    ' : type === '20' ? '7000' : type === '30' ? '6000' : '1100')) +
    (parts.visited ?? '').padEnd(6) +
    (parts.amount ?? '00000001250+') +
    (parts.vat ?? '21') +
    (parts.bundle ?? (charge ? ' ' : 'N')) +
    (parts.correction ?? ' ') +
    (parts.original ?? '').padEnd(12) +
    (parts.text ?? 'Mobiel België ü').padEnd(40) +
    (parts.octets ?? (type === '30' ? '1048576' : '')).padStart(type === '30' ? 15 : 0, '0');
  return body.padEnd(200);
}

export function fileBytes(lines: readonly string[], parts: FileParts = {}): Buffer {
  const header =
    '00' +
    (parts.account ?? account) +
    (parts.seq ?? '000001') +
    (parts.from ?? '20260301') +
    (parts.to ?? '20260331') +
    (parts.header?.created ?? '20260401020000') +
    (parts.header?.currency ?? 'EUR') +
    (parts.header?.layout ?? '0103') +
    (parts.header?.previous ?? '00000000000000');
  const before = Buffer.from(`${[header.padEnd(200), ...lines].join('\r\n')}\r\n`, 'latin1');
  const sum = lines.reduce((total, each) => total + amountOf(each), 0n);
  const trailer =
    '99' +
    (parts.trailer?.records ?? String(lines.length).padStart(8, '0')) +
    (parts.trailer?.sum ?? `${String(sum < 0n ? -sum : sum).padStart(15, '0')}${sum < 0n ? '-' : '+'}`) +
    (parts.trailer?.crc ?? crc32(before).toString(16).padStart(8, '0'));
  return Buffer.concat([before, Buffer.from(`${trailer.padEnd(200)}\r\n`, 'latin1')]);
}

export function gzipped(lines: readonly string[], parts: FileParts = {}): Buffer {
  return gzipSync(fileBytes(lines, parts));
}

/** `count` good calls with ids from `first` on, a minute apart. */
export function calls(count: number, first = 1): string[] {
  return Array.from({ length: count }, (_, index) => {
    const minute = String(Math.floor(index / 60) % 60).padStart(2, '0');
    const hour = String(Math.floor(index / 3600) % 24).padStart(2, '0');
    const second = String(index % 60).padStart(2, '0');
    return line({ id: String(first + index), start: `20260310${hour}${minute}${second}` });
  });
}

function amountOf(text: string): bigint {
  const field = text.slice(86, 98);
  if (!/^\d{11}[+-]$/.test(field)) return 0n;
  return field.endsWith('-') ? -BigInt(field.slice(0, 11)) : BigInt(field.slice(0, 11));
}
