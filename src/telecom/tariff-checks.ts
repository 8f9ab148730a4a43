/**
 * What the values of a tariff document must agree on: validity ranges, step borders, increments per kind, rule ids, zones,
 * fallback, and prefixes that masking leaves. Works on whatever parts of the document have the right form, so that these
 * problems are listed together with those of the form.
 */
import { homeZone } from './allowance.ts';
import { parseLocalMs } from './civil-date.ts';
import { type DocumentProblem, type JsonPath, problemAt } from './document-problem.ts';
import { parseAmountE8 } from './money.ts';
import { localDateTimeSchema, type RuleDocument, ruleSchema, zonesSchema } from './tariff-schema.ts';

export interface TariffCheckOptions {
  /** Digits at the end of a dialled number that are never stored (the largest of the customers that use the tariff). */
  readonly numberMask: number;
  /** Codes that a fallback may name; null when it cannot be known here. */
  readonly knownTariffs: ReadonlySet<string> | null;
  /** Names of the zones that the provider's zone sets have, for versions without zones of their own (none). */
  readonly providerZones?: ReadonlySet<string>;
}

export type Report = (path: JsonPath, message: string) => void;
type Json = Record<string, unknown>;

/** Largest whole number of seconds or messages; data is counted in octets. */
const maxIncrement = 86_400;
const shortCodeDigits = 6;
/** A full national number has at least this many digits in E.164. */
const shortestFullNumber = 11;
/** 0800, 0900, 0906 and 0909 go on with as few as four digits. */
const services = ['31800', '31900', '31906', '31909'];
const shortestServiceNumber = 9;

export function checkTariff(document: unknown, options: TariffCheckOptions): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  const report: Report = (path, message) => problems.push(problemAt(document, path, message));
  if (!isObject(document) || !Array.isArray(document.versions)) return problems;
  const versions: unknown[] = document.versions;
  checkValidity(versions, 'versions', report);
  versions.forEach((version, i) => {
    if (isObject(version)) checkVersion(version, ['versions', i], document.tariff, options, report);
  });
  return problems;
}

/** Ranges of the members of the list at `key` must not overlap. */
export function checkValidity(versions: readonly unknown[], key: string, report: Report): void {
  const ranges = versions.map((version) => {
    const { validFrom, validTo } = isObject(version) ? version : {};
    return { from: localMs(validFrom), to: validTo === null ? Infinity : localMs(validTo) };
  });
  ranges.forEach(({ from, to }, i) => {
    if (to <= from) report([key, i, 'validTo'], 'must be later than validFrom');
    const earlier = ranges.findIndex((other, j) => j < i && from < other.to && other.from < to);
    if (earlier >= 0) {
      const message = `overlaps ${key}[${earlier}]; end one where the other begins (validTo is exclusive)`;
      report([key, i, 'validFrom'], message);
    }
  });
}

function checkVersion(
  version: Json,
  path: JsonPath,
  tariff: unknown,
  options: TariffCheckOptions,
  report: Report,
): void {
  const { fallback } = version;
  if (typeof fallback === 'string') {
    if (fallback === tariff) report([...path, 'fallback'], 'is this tariff itself; name another one or leave it out');
    else if (options.knownTariffs !== null && !options.knownTariffs.has(fallback)) {
      report([...path, 'fallback'], `is not a known tariff; load it first (known: ${list(options.knownTariffs)})`);
    }
  }
  const zones = zonesSchema.safeParse(version.zones ?? {}).data ?? null;
  if (zones !== null) checkZones(zones, path, report);
  const ownNames = zones === null ? null : new Set(Object.keys(zones));
  const zoneNames = version.zones === undefined ? (options.providerZones ?? ownNames) : ownNames;
  const rules = Array.isArray(version.rules) ? version.rules : [];
  const firstUse = new Map<unknown, number>();
  rules.forEach((raw: unknown, i) => {
    const rulePath = [...path, 'rules', i];
    const id = isObject(raw) ? raw.id : undefined;
    const earlier = firstUse.get(id);
    if (typeof id === 'string' && earlier !== undefined) {
      report([...rulePath, 'id'], `is already the id of rules[${earlier}]; give each rule an id of its own`);
    } else firstUse.set(id, i);
    const rule = ruleSchema.safeParse(raw).data;
    if (rule === undefined) return;
    checkMatch(rule, zoneNames, rulePath, options.numberMask, report);
    checkLimits(rule, rulePath, report);
    checkSteps(rule, rulePath, report);
  });
}

export function checkZones(zones: Readonly<Record<string, readonly string[]>>, path: JsonPath, report: Report): void {
  const owner = new Map<string, string>();
  for (const [zone, networks] of Object.entries(zones)) {
    if (zone === homeZone)
      report([...path, 'zones', zone], 'must have another name: home is where a record is not roaming');
    networks.forEach((network, i) => {
      const other = owner.get(network);
      if (other !== undefined) {
        report([...path, 'zones', zone, i], `is already in zone "${other}"; a network can be in one zone only`);
      }
      owner.set(network, zone);
    });
  }
}

/** How long a prefix that begins like this one can be, when the last `numberMask` digits of dialled numbers are not stored. */
export function longestPrefix(numberMask: number, prefix: string): number {
  const isService = services.some((service) => service.startsWith(prefix) || prefix.startsWith(service));
  if (isService) return shortestServiceNumber - numberMask;
  const longest = shortestFullNumber - numberMask;
  // no short code begins with 31
  return prefix.startsWith('31') ? longest : Math.max(longest, shortCodeDigits);
}

function checkMatch(
  rule: RuleDocument,
  zones: ReadonlySet<string> | null,
  path: JsonPath,
  numberMask: number,
  report: Report,
): void {
  const { prefixes, zones: wanted, categories } = rule.match;
  if (prefixes === undefined && wanted === undefined && categories === undefined) {
    report([...path, 'match'], 'must have prefixes, zones or categories, or the rule would match everything');
  }
  prefixes?.forEach((prefix, i) => {
    const at = [...path, 'match', 'prefixes', i];
    const longest = longestPrefix(numberMask, prefix);
    if (prefix.length > longest) {
      const message = `reaches into the last ${numberMask} digits, which are masked; use at most ${longest} digits`;
      report(at, message);
    } else if (/^(112|113|116\d{0,3})$/.test(prefix)) {
      report(at, 'is an emergency or helpline number, whose digits are never stored; match on categories instead');
    }
  });
  wanted?.forEach((zone, i) => {
    if (zones === null || zones.has(zone)) return;
    report([...path, 'match', 'zones', i], `is not a zone of this version (zones: ${list(zones)})`);
  });
}

function checkLimits(rule: RuleDocument, path: JsonPath, report: Report): void {
  const { minimum, cap } = rule;
  if (minimum === undefined || cap === undefined || parseAmountE8(minimum) <= parseAmountE8(cap.amount)) return;
  report([...path, 'minimum'], `is more than the cap of ${cap.amount}; a call cannot cost at least more than at most`);
}

function checkSteps(rule: RuleDocument, path: JsonPath, report: Report): void {
  const { steps, kind } = rule;
  steps.forEach((step, i) => {
    const at = [...path, 'steps', i];
    if (i === 0 && step.from !== 0) report([...at, 'from'], 'must be 0: the first step begins with the call');
    if (i > 0 && step.from <= steps[i - 1]!.from) {
      report([...at, 'from'], `must be more than ${steps[i - 1]!.from}, the step before it`);
    }
    if (kind === 'data') return;
    for (const key of ['per', 'first', 'next'] as const) {
      if (step[key] > maxIncrement)
        report([...at, key], `must be a whole number from 1 to ${maxIncrement} for ${kind}`);
    }
  });
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function localMs(value: unknown): number {
  return localDateTimeSchema.safeParse(value).success ? parseLocalMs(value as string) : Number.NaN;
}

function list(names: ReadonlySet<string>): string {
  return names.size === 0 ? 'none' : [...names].join(', ');
}
