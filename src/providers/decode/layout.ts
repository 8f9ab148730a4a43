/** A layout spec made ready: its record types, how they are told apart, its codes, and the slots that a framer fills. */
import type { Encoding } from '../spec/files.ts';
import type { LayoutSpec } from '../spec/layout-spec.ts';
import type { Place } from '../spec/places.ts';
import { CodeTable } from './code-table.ts';
import { EnumTable } from './enum-table.ts';
import { encoded, type FieldPlan, planType, planWhen, type TypePlan } from './field-plan.ts';

/**
 * Where the values of the record at hand stand: slot i is `bytes` from `base + from[i]` to before `base + to[i]`; empty when
 * absent. Of lines of fixed width only `base` changes.
 */
export interface Slots {
  bytes: Buffer;
  base: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
}

export interface Layout {
  readonly spec: LayoutSpec;
  readonly encoding: Encoding;
  /** Column name or path by slot; positions are in the fields' plans. */
  readonly places: readonly Place[];
  readonly types: readonly TypePlan[];
  /** What tells the type; null when there is only one. */
  readonly when: FieldPlan | null;
  /** What stands at the same place in every type, and harms nobody: shown of a record that has no type. */
  readonly common: readonly FieldPlan[];
  readonly told: EnumTable;
  /** Type by the index that `told` answers. */
  readonly toldTypes: readonly TypePlan[];
  readonly codes: CodeTable;
  readonly homeNetworks: readonly string[];
}

export function compileLayout(spec: LayoutSpec): Layout {
  const { encoding } = spec.files;
  const places: Place[] = [];
  const keys = new Map<string, number>();
  const slotOf = (place: Place): number => {
    const key = JSON.stringify(place);
    const known = keys.get(key);
    if (known !== undefined) return known;
    keys.set(key, places.length);
    places.push(place);
    return places.length - 1;
  };
  const types = spec.records.types.map((type, index) => planType(type, index, encoding, slotOf));
  const whens = spec.records.types.flatMap(({ when }, index) =>
    when ? when.is.map((text) => ({ text, type: types[index]!, from: when.from })) : [],
  );
  const place = whens[0]?.from;
  const when = place === undefined ? null : planWhen(place, slotOf(place));
  const shared = types[0]!.fields.filter((field) =>
    types.every((type) => type.fields.some((own) => own.slot === field.slot && own.to === field.to)),
  );
  return {
    spec,
    encoding,
    places,
    types,
    when,
    common: when === null ? [] : [when, ...shared],
    told: new EnumTable(whens.map(({ text }) => encoded(text, encoding))),
    toldTypes: whens.map(({ type }) => type),
    codes: new CodeTable(spec.records.codes, encoding),
    homeNetworks: spec.records.homeNetworks,
  };
}

export function openSlots(layout: Layout): Slots {
  const count = layout.places.length;
  return { bytes: Buffer.alloc(0), base: 0, from: new Int32Array(count), to: new Int32Array(count) };
}

/** Null when the record at hand is of no type of this layout. */
export function typeOf(layout: Layout, slots: Slots): TypePlan | null {
  if (layout.when === null) return layout.types[0]!;
  const { slot } = layout.when;
  return (
    layout.toldTypes[layout.told.find(slots.bytes, slots.base + slots.from[slot]!, slots.base + slots.to[slot]!)] ??
    null
  );
}
