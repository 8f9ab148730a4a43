/**
 * Stored tariff versions -> the form that rating reads. Documents were checked when they were loaded
 * (tariff-document.ts); a broken one throws an Error that names version and rule.
 */
import type { TariffBundle } from '../compute/tasks/messages.ts';
import { parseLocalMs, parseTimeOfDayMs } from './civil-date.ts';
import type { CompiledRule, CompiledTariff, CompiledVersion } from './compiled-tariff.ts';
import { type LocalTime, openLocalTime } from './local-time.ts';
import { parseAmountE8, type Rounding, roundingUnitE8 } from './money.ts';
import { createRuleLookup, type RuleLookup } from './rule-lookup.ts';
import type { StoredVersion } from './tariff-document.ts';
import type { RuleDocument, VersionDocument } from './tariff-schema.ts';
import { createVersionList, type VersionList } from './version-list.ts';
import { createDatedZoneTable, createZoneTable, type ZoneTable } from './zone-table.ts';

type StoredRow = TariffBundle['versions'][number];
type OpenZone = (timeZone: string) => LocalTime;

// As tariff-schema.ts has them; not imported, so that a worker thread does not load the schema library.
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/**
 * `timeZone` is the contract's: bands and midnights are local there. A version's validity is local in the zone that its
 * document names. A fallback's own fallback is not followed.
 */
export function compileTariff(bundle: TariffBundle, timeZone: string): CompiledTariff {
  const zones = new Map<string, LocalTime>();
  const openZone: OpenZone = (name) => {
    const known = zones.get(name) ?? openLocalTime(name);
    zones.set(name, known);
    return known;
  };
  const localTime = openZone(timeZone);
  const providerZones = (code: string) => createDatedZoneTable(bundle.zoneSets?.[code] ?? []);
  const compiled = new Map<string, VersionList>();
  const fallbackOf = (code: string): VersionList | null => {
    const rows = bundle.fallbacks[code];
    if (rows === undefined || rows.length === 0) return null;
    let list = compiled.get(code);
    if (list === undefined) {
      const zones = providerZones(code);
      list = createVersionList(compileVersions(rows, localTime, openZone, `${code}/`, () => null, zones));
      compiled.set(code, list);
    }
    return list;
  };
  const versions = compileVersions(bundle.versions, localTime, openZone, '', fallbackOf, providerZones(bundle.code));
  return { code: bundle.code, localTime, versions, validity: createVersionList(versions) };
}

function compileVersions(
  rows: readonly StoredRow[],
  localTime: LocalTime,
  openZone: OpenZone,
  namePrefix: string,
  fallbackOf: (code: string) => VersionList | null,
  providerZones: ZoneTable,
): CompiledVersion[] {
  const dated = rows.map((row) => {
    const document = row.document as VersionDocument & Partial<StoredVersion>;
    const zone = document.timeZone === undefined ? localTime : openZone(document.timeZone);
    const fromMs = zone.toInstant(parseLocalMs(document.validFrom), '').utcMs;
    const toMs = document.validTo === null ? Infinity : zone.toInstant(parseLocalMs(document.validTo), '').utcMs;
    return { id: row.id, document, fromMs, toMs };
  });
  dated.sort((a, b) => a.fromMs - b.fromMs);
  return dated.map(({ id, document, fromMs, toMs }, index): CompiledVersion => {
    const zones = document.zones === undefined ? providerZones : createZoneTable(document.zones);
    const rules = document.rules.map((rule, order) => ({
      kind: rule.kind,
      compiled: compileRule(rule, order, namePrefix, id),
    }));
    const lookup = (kind: RuleDocument['kind']): RuleLookup =>
      createRuleLookup(
        rules.filter((rule) => rule.kind === kind).map((rule) => rule.compiled),
        zones,
      );
    return {
      index,
      id,
      fromMs,
      toMs,
      split: document.changePolicy === 'split',
      fallback: document.fallback === undefined ? null : fallbackOf(document.fallback),
      voice: lookup('voice'),
      sms: lookup('sms'),
      mms: lookup('mms'),
      data: lookup('data'),
    };
  });
}

function compileRule(rule: RuleDocument, order: number, namePrefix: string, version: string): CompiledRule {
  const price = (text: string): number => {
    const amountE8 = parseAmountE8(text);
    if (Number.isNaN(amountE8)) throw new Error(`version ${version}, rule ${rule.id}: "${text}" is no price`);
    return amountE8;
  };
  const { match, active } = rule;
  return {
    name: `${namePrefix}${rule.id}`,
    order,
    weight: rule.weight ?? 0,
    connectFeeE8: price(rule.connectFee ?? '0'),
    minimumE8: price(rule.minimum ?? '0'),
    capE8: rule.cap === undefined ? Infinity : price(rule.cap.amount),
    disconnects: rule.cap?.strategy === 'disconnect',
    rounding: compileRounding(rule.rounding),
    months: bitMask(active?.months),
    days: bitMask(active?.days),
    weekdays: bitMask(active?.weekdays?.map((name) => weekdays.indexOf(name))),
    fromMs: parseTimeOfDayMs(active?.from ?? '00:00:00'),
    prefixes: match.prefixes ?? [],
    zones: match.zones === undefined ? null : new Set(match.zones),
    categories: match.categories === undefined ? null : new Set(match.categories),
    steps: rule.steps.map((step) => ({
      from: step.from,
      priceE8: price(step.price),
      per: step.per,
      first: step.first,
      next: step.next,
    })),
  };
}

function compileRounding(rounding: RuleDocument['rounding']): Rounding {
  return { unitE8: roundingUnitE8(rounding?.decimals ?? 4), mode: rounding?.mode ?? 'half-away' };
}

function bitMask(values: readonly number[] | undefined): number | null {
  return values === undefined ? null : values.reduce((mask, value) => mask | (1 << value), 0);
}
