/**
 * Large SP16X files for the bench, made from a seed and kept: sorted by start over a month, 62 % voice, 18 % messages, 18 %
 * data, 2 % charges, 3 % of the usage roaming, 0.2 % of the lines twice. Two in three calls go to the subscriber's twenty
 * usual numbers. No corrections: the fused pass that the bench measures does not apply them.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

export interface BenchFile {
  readonly path: string;
  readonly name: string;
  readonly account: string;
  readonly bytes: number;
}

const frame = 202;
const subscribers = 2000;
const monthS = 31 * 86_400;

/** About `megabytes` of plain lines; kept under the directory and not made again. */
export function benchFile(directory: string, megabytes: number, seq: number): BenchFile {
  const account = '0000000101';
  const name = `SP16X_${account}_202603_${String(seq).padStart(6, '0')}.dat`;
  const path = `${directory}/${megabytes}mb/${name}`;
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    write(`${path}.part`, account, seq, Math.floor((megabytes * 1e6) / frame) - 2);
    renameSync(`${path}.part`, path);
  }
  return { path, name, account, bytes: statSync(path).size };
}

function write(path: string, account: string, seq: number, records: number): void {
  const file = openSync(path, 'w');
  const random = xorshift(seq * 7919 + 17);
  const block = Buffer.alloc(frame * 4096);
  let filled = 0;
  let crc = 0;
  let sum = 0n;
  const flush = () => {
    crc = crc32(block.subarray(0, filled), crc);
    writeSync(file, block, 0, filled);
    filled = 0;
  };
  const put = (text: string) => {
    filled += block.write(`${text.padEnd(200)}\r\n`, filled, 'latin1');
    if (filled === block.length) flush();
  };
  const sequence = String(seq).padStart(6, '0');
  put(`00${account}${sequence}202603012026033120260401020000EUR0103${'0'.repeat(14)}`);
  let previous = '';
  for (let index = 0; index < records; index += 1) {
    const again = previous !== '' && random() < 0.002;
    const line = again ? previous : record(random, seq, index, Math.floor((index / records) * monthS));
    previous = line;
    sum += BigInt(line.slice(86, 97));
    put(line);
  }
  flush();
  const total = String(sum).padStart(15, '0');
  put(`99${String(records).padStart(8, '0')}${total}+${crc.toString(16).padStart(8, '0')}`);
  writeSync(file, block, 0, filled);
  closeSync(file);
}

function record(random: () => number, seq: number, index: number, second: number): string {
  const subscriber = Math.floor(random() * subscribers);
  const id = `${String(seq).padStart(3, '0')}${String(index).padStart(9, '0')}`;
  const msisdn = `316${String(10_000_000 + subscriber * 31)}`.padEnd(15);
  const amount = `${String(Math.floor(random() * 9000)).padStart(11, '0')}+`;
  const text = 'Mobiel België'.padEnd(40);
  const kind = random();
  if (kind > 0.98) {
    const type = kind > 0.99 ? '50' : '40';
    return `${type}${id}${msisdn}${' '.repeat(24)}2026030120260331${' '.repeat(17)}${amount}21${' '.repeat(14)}${text}`;
  }
  const roaming = random() < 0.03;
  const start = localText(second);
  const tail = (code: string, visited: string) => `${code}${visited.padEnd(6)}${amount}21N${' '.repeat(13)}${text}`;
  if (kind < 0.62) {
    const seconds = random() < 0.1 ? 0 : Math.floor(-Math.log(1 - random()) * 110) + 1;
    const [number, code] = roaming ? [dialled(random, subscriber), '3000'] : destination(random, subscriber);
    return `10${id}${msisdn}${number.padEnd(24)}${start} ${digits(seconds, 8)}${tail(code, roaming ? '20801' : '')}`;
  }
  if (kind < 0.8) {
    return `20${id}${msisdn}${dialled(random, subscriber).padEnd(24)}${start} 00000001${tail('7000', '')}`;
  }
  const octets = digits(Math.floor(random() * 50_000_000), 15);
  const code = roaming ? '6100' : '6000';
  return `30${id}${msisdn}${'internet'.padEnd(24)}${start} ${digits(600, 8)}${tail(code, roaming ? '26201' : '')}${octets}`;
}

function destination(random: () => number, subscriber: number): [number: string, code: string] {
  const kind = random();
  if (kind < 0.6) return [dialled(random, subscriber), '1100'];
  if (kind < 0.85) return [`0${20 + Math.floor(random() * 50)}${digits(Math.floor(random() * 1e7), 7)}`, '1000'];
  if (kind < 0.92) return ['1233', '5000'];
  if (kind < 0.96)
    return [`00${[49, 32, 44, 33][Math.floor(random() * 4)]}${digits(Math.floor(random() * 1e9), 9)}`, '2000'];
  return [`0800${digits(Math.floor(random() * 1e4), 4)}`, '4000'];
}

function dialled(random: () => number, subscriber: number): string {
  const usual = random() < 2 / 3;
  const number = usual ? subscriber * 20 + Math.floor(random() * 20) : Math.floor(random() * 7e7);
  return `06${digits(10_000_000 + number, 8)}`;
}

function localText(second: number): string {
  const at = new Date(Date.UTC(2026, 2, 1) + second * 1000).toISOString();
  return at.slice(0, 19).replace(/[-:T]/g, '');
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}

function xorshift(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
