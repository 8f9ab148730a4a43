/**
 * Allowances unit by unit, for the property: every second, message or octet of a widened record is handed out by itself to the
 * first allowance that has one left. Shares nothing with src/telecom but types.
 */
import type { Allowance } from '../../src/telecom/allowance.ts';
import type { RateableRecord } from '../../src/telecom/record.ts';

export interface SlowLedger {
  cover(record: RateableRecord, msisdn: string, zone: string | null, widened: number): number;
}

/** Limits of fair use in units, by allowance id: where they come from is tested elsewhere. */
export function slowLedger(allowances: readonly Allowance[], fairLimits: Readonly<Record<string, number>>): SlowLedger {
  const units = new Map<string, { all: number; fair: number }>();
  const ordered = [...allowances].sort((a, b) => {
    const own = (one: Allowance) => (one.msisdn === null ? 0 : 1);
    return b.priority - a.priority || own(b) - own(a) || a.name.localeCompare(b.name);
  });

  function cover(record: RateableRecord, msisdn: string, zone: string | null, widened: number): number {
    const place = zone ?? 'home';
    let covered = 0;
    for (const allowance of ordered) {
      const { id, kind, categories, zones, shared, increment, fairUse } = allowance;
      if (kind !== record.kind || !categories.includes(record.category) || !zones.includes(place)) continue;
      if (allowance.msisdn !== null && allowance.msisdn !== msisdn) continue;
      const key = `${id} ${shared ? 'all' : msisdn}`;
      const left = units.get(key) ?? { all: allowance.amount, fair: fairLimits[id] ?? Infinity };
      units.set(key, left);
      const isFair = fairUse?.zones.includes(place) === true;
      const goal = increment !== null && covered < record.usage ? record.usage : widened;
      let taken = 0;
      const isDone = () => covered >= goal && (increment === null || taken % increment === 0);
      while (!isDone() && left.all > 0 && !(isFair && left.fair <= 0)) {
        left.all -= 1;
        if (isFair) left.fair -= 1;
        taken += 1;
        if (covered < goal) covered += 1;
      }
      if (taken > 0 && covered >= goal) return widened;
    }
    return covered;
  }

  return { cover };
}
