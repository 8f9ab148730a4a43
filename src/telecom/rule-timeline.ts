/**
 * The rule of every second of a call, as stretches: a stretch ends where the local date changes or another rule (or none)
 * begins to apply. Ends are computed from band starts, midnights, offset changes and version changes, never by walking
 * seconds; a call inside one band costs one look. Local time of a second is that of its UTC instant, so DST moves bands.
 */
import { dayMs } from './civil-date.ts';
import type { CompiledRule, CompiledTariff, CompiledVersion } from './compiled-tariff.ts';
import type { RateableRecord } from './record.ts';
import { bandAt, type RuleCandidates } from './rule-choice.ts';

export interface RuleTimeline {
  /** Rule of the current stretch; null when none applies. */
  rule: CompiledRule | null;
  /** Roaming zone of the call's start, as the rules found there name it; null at home. */
  zone: string | null;
  /** End of the current stretch in seconds from the call's start; at or past `usage` it is the last one. */
  endS: number;
  /** Looks at a call's first stretch. `version` is the one valid at its start. */
  begin(record: RateableRecord, version: CompiledVersion, usage: number): void;
  /** Moves on to the stretch that begins at `endS`, which is before `usage`. */
  next(): void;
}

export function createRuleTimeline(tariff: CompiledTariff): RuleTimeline {
  const { localTime, validity } = tariff;
  const timeline: RuleTimeline = { rule: null, zone: null, endS: 0, begin, next: take };
  let record: RateableRecord;
  let firstVersion: CompiledVersion;
  let usage = 0;
  // What was seen at the second looked at last: the stretch after the current one, once that is known to end.
  let seenRule: CompiledRule | null = null;
  let seenZone: string | null = null;
  let seenDay = 0;
  let seenEndS = 0;

  function begin(nextRecord: RateableRecord, version: CompiledVersion, nextUsage: number): void {
    record = nextRecord;
    firstVersion = version;
    usage = nextUsage;
    lookAt(0);
    timeline.zone = seenZone;
    take();
  }

  function take(): void {
    timeline.rule = seenRule;
    timeline.endS = seenEndS;
    const day = seenDay;
    while (timeline.endS < usage) {
      lookAt(timeline.endS);
      if (seenRule !== timeline.rule || seenDay !== day) return;
      timeline.endS = seenEndS;
    }
  }

  /** Finds rule, date and how long both surely hold at one second of the call. */
  function lookAt(second: number): void {
    const atMs = record.startMs + second * 1000;
    let untilMs = localTime.nextTransitionMs(atMs);
    let version: CompiledVersion | null = firstVersion;
    if (firstVersion.split) {
      version = validity.at(atMs);
      untilMs = Math.min(untilMs, validity.nextChangeMs(atMs));
    }
    let candidates = version === null ? null : candidatesIn(version);
    if (candidates === null && version !== null && version.fallback !== null) {
      // A call that keeps the version of its start keeps that of the fallback tariff, too.
      const fallbackMs = firstVersion.split ? atMs : record.startMs;
      const fallback = version.fallback.at(fallbackMs);
      if (firstVersion.split) untilMs = Math.min(untilMs, version.fallback.nextChangeMs(atMs));
      candidates = fallback === null ? null : candidatesIn(fallback);
    }
    const offsetMs = localTime.offsetMsAt(atMs);
    const day = Math.floor((atMs + offsetMs) / dayMs);
    const dayStartMs = day * dayMs - offsetMs;
    untilMs = Math.min(untilMs, dayStartMs + dayMs);
    seenRule = null;
    seenZone = null;
    seenDay = day;
    if (candidates !== null) {
      seenZone = candidates.zone;
      const bands = candidates.bandsOn(day);
      const band = bandAt(bands, atMs - dayStartMs);
      seenRule = bands.rules[band]!;
      const bandEndMs = bands.startsMs[band + 1];
      if (bandEndMs !== undefined) untilMs = Math.min(untilMs, dayStartMs + bandEndMs);
    }
    // At least the second that was looked at: whatever a border says, the walk goes on.
    seenEndS = Math.max(second + 1, Math.ceil((untilMs - record.startMs) / 1000));
  }

  function candidatesIn(version: CompiledVersion): RuleCandidates | null {
    switch (record.kind) {
      case 'voice':
        return version.voice.candidates(record);
      case 'sms':
        return version.sms.candidates(record);
      case 'mms':
        return version.mms.candidates(record);
      case 'data':
        return version.data.candidates(record);
      default:
        return null;
    }
  }

  return timeline;
}
