/**
 * The CSV of the bench, made from a seed and kept: 80 % voice and 20 % messages in order of time over a month, ids of four
 * exchanges, 2 % to destinations without a price, a description that is quoted in a third of the records and has a line end in
 * one of fifty, 0.2 % duplicates (every other one says something else than the record it repeats) and 0.02 % wrong records.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { prices } from './prices.ts';
import { xorshift } from './random.ts';

export interface CdrFile {
  readonly path: string;
  readonly bytes: number;
}

export const header = 'id,msisdn,kind,destination,started_at,usage,charge,description';
const subscribers = 5000;
const monthMs = 30 * 86_400_000;
const firstMs = Date.UTC(2026, 5, 1) - 2 * 3_600_000;
const blockRows = 8192;
/** Records that a duplicate may repeat. */
const remembered = 20_000;

/** Kept under the directory and not made again. */
export function cdrFile(directory: string, records: number, seed: number): CdrFile {
  const path = `${directory}/cdr-${records}-${seed}.csv`;
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    write(`${path}.part`, records, seed);
    renameSync(`${path}.part`, path);
  }
  return { path, bytes: statSync(path).size };
}

interface Made {
  readonly id: string;
  readonly fields: string;
  readonly usage: string;
  readonly rest: string;
}

function write(path: string, records: number, seed: number): void {
  const file = openSync(path, 'w');
  const random = xorshift(seed);
  const list = prices().map(({ prefix }) => prefix);
  const counters = [0, 0, 0, 0];
  const memory: Made[] = [];
  let block = `${header}\n`;
  for (let index = 0; index < records; index += 1) {
    const draw = random();
    if (draw < 0.002 && memory.length > 0) block += again(memory[Math.floor(random() * memory.length)]!, random);
    else if (draw < 0.0022) block += wrong(random, nextId(counters, random));
    else {
      const atMs = firstMs + Math.floor((index / records) * (monthMs / 1000)) * 1000;
      const made = record(random, list, nextId(counters, random), atMs);
      if (memory.length < remembered) memory.push(made);
      else if (random() < 0.05) memory[Math.floor(random() * remembered)] = made;
      block += line(made);
    }
    if (index % blockRows === blockRows - 1) {
      writeSync(file, block);
      block = '';
    }
  }
  writeSync(file, block);
  closeSync(file);
}

function nextId(counters: number[], random: () => number): string {
  const exchange = Math.floor(random() * counters.length);
  counters[exchange]! += 1;
  return String((exchange + 1) * 100_000_000_000 + counters[exchange]!);
}

function record(random: () => number, list: readonly string[], id: string, atMs: number): Made {
  const subscriber = 31_610_000_000 + Math.floor(random() * subscribers) * 1999;
  const voice = random() < 0.8;
  const start = new Date(atMs).toISOString().slice(0, 19);
  const usage = voice ? 1 + Math.floor(-Math.log(1 - random()) * 150) : 1;
  return {
    id,
    fields: `${subscriber},${voice ? 'voice' : 'sms'},${destination(random, list)},${start}Z`,
    usage: String(usage),
    rest: `${charge(random)},${description(random)}`,
  };
}

function line({ id, fields, usage, rest }: Made): string {
  return `${id},${fields},${usage},${rest}\n`;
}

function destination(random: () => number, list: readonly string[]): string {
  const draw = random();
  const prefix = draw < 0.02 ? '9' : draw < 0.4 ? '316' : list[Math.floor(random() * list.length)]!;
  const digits = 11 + Math.floor(random() * 2);
  return prefix + String(Math.floor(random() * 10 ** (digits - prefix.length))).padStart(digits - prefix.length, '0');
}

function charge(random: () => number): string {
  return `${Math.floor(random() * 2)}.${String(Math.floor(random() * 10_000)).padStart(4, '0')}`;
}

const places = ['Belgie', 'Deutschland mobil', 'France Metropole', 'United Kingdom', 'Nederland mobiel', 'Italia'];

function description(random: () => number): string {
  const place = places[Math.floor(random() * places.length)]!;
  const form = Math.floor(random() * 150);
  if (form < 3) return `"${place}\nzone ${form}, peak"`;
  if (form < 6) return `"the ""${place}"" zone"`;
  if (form < 50) return `"${place}, zone ${form % 7}"`;
  return place;
}

function again(made: Made, random: () => number): string {
  if (random() < 0.5) return line(made);
  return line({ ...made, usage: String(1 + Math.floor(random() * 900)), rest: `${charge(random)},changed` });
}

/** Each of these is refused by every contender for what it is: no number, no date, a column too few. */
function wrong(random: () => number, id: string): string {
  const start = '2026-06-11T10:00:00Z';
  switch (Math.floor(random() * 4)) {
    case 0:
      return `${id},31610000000,voice,31612345678,${start},abc,0.1000,bad usage\n`;
    case 1:
      return `${id},31610000000,voice,31612345678,2026-06-31T10:00:00Z,60,0.1000,bad date\n`;
    case 2:
      return `${id},31610000000,voice,31612345678,${start},60\n`;
    default:
      return `${id},31610000000,voice,31612345678,${start},60,one,bad charge\n`;
  }
}
