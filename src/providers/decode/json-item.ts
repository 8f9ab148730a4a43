/**
 * One value of JSON, read strictly and to its end without being built: what stands at the paths of a layout is noted in the
 * slots, everything else only checked. Numbers stay the text that they are.
 */
import { EnumTable } from './enum-table.ts';
import {
  closingQuote,
  endOfPlain,
  hasEscape,
  incomplete,
  malformed,
  quote,
  skipSpace,
  withoutEscapes,
} from './json-text.ts';
import type { Slots } from './layout.ts';

interface PathNode {
  readonly names: EnumTable;
  readonly children: readonly PathNode[];
  /** -1 when no field stands here. */
  readonly slot: number;
}

export type ItemFault = 'name-twice' | 'not-a-value' | 'control-character';

const deepest = 64;
const brace = 123;
const braceEnd = 125;
const bracket = 91;
const bracketEnd = 93;
const comma = 44;
const colon = 58;
const nothing: PathNode = { names: new EnumTable([]), children: [], slot: -1 };

export class JsonItem {
  readonly #slots: Slots;
  readonly #root: PathNode;
  readonly #seen: Uint8Array;
  #scratch = 0;
  #bytes: Buffer;
  #end = 0;
  /** What is wrong with the item although it is well-formed. */
  fault: ItemFault | null = null;

  /** `paths` by slot. */
  constructor(slots: Slots, paths: readonly string[]) {
    this.#slots = slots;
    this.#bytes = slots.bytes;
    this.#seen = new Uint8Array(paths.length);
    this.#root = treeOf(paths.map((path, slot) => ({ names: path.split('.'), slot })));
  }

  /** Fills the slots from the value at `at`; see `skip`. Strings with escapes are written without them from `scratch` on. */
  read(at: number, end: number, scratch: number): number {
    this.#slots.from.fill(0);
    this.#slots.to.fill(0);
    this.#seen.fill(0);
    return this.#start(at, end, scratch, this.#root);
  }

  /** Answers where the value ends, `incomplete`, or `malformed`. A plain value ends only where something follows it. */
  skip(at: number, end: number, scratch: number): number {
    return this.#start(at, end, scratch, nothing);
  }

  #start(at: number, end: number, scratch: number, node: PathNode): number {
    this.#bytes = this.#slots.bytes;
    this.#end = end;
    this.#scratch = scratch;
    this.fault = null;
    return this.#value(at, node, 0);
  }

  #value(at: number, node: PathNode, depth: number): number {
    if (at >= this.#end) return incomplete;
    if (depth > deepest) return malformed;
    const byte = this.#bytes[at];
    const nested = byte === brace || byte === bracket;
    if (nested && node.slot >= 0) this.fault ??= 'not-a-value';
    if (byte === brace) return this.#object(at + 1, node, depth + 1);
    if (byte === bracket) return this.#array(at + 1, depth + 1);
    if (byte === quote) {
      const to = closingQuote(this.#bytes, at + 1, this.#end);
      if (to < 0) return to;
      return this.#string(at + 1, to, node.slot) ? to + 1 : malformed;
    }
    const to = endOfPlain(this.#bytes, at, this.#end);
    // null is as good as absent
    if (to >= 0 && node.slot >= 0 && byte !== 110) this.#put(node.slot, at, to);
    return to;
  }

  #object(from: number, node: PathNode, depth: number): number {
    let at = skipSpace(this.#bytes, from, this.#end);
    if (at < this.#end && this.#bytes[at] === braceEnd) return at + 1;
    for (;;) {
      if (at >= this.#end) return incomplete;
      if (this.#bytes[at] !== quote) return malformed;
      const to = closingQuote(this.#bytes, at + 1, this.#end);
      if (to < 0) return to;
      const child = this.#childOf(node, at + 1, to);
      if (child === null) return malformed;
      at = skipSpace(this.#bytes, to + 1, this.#end);
      if (at >= this.#end) return incomplete;
      if (this.#bytes[at] !== colon) return malformed;
      at = this.#value(skipSpace(this.#bytes, at + 1, this.#end), child, depth);
      if (at < 0) return at;
      at = skipSpace(this.#bytes, at, this.#end);
      if (at >= this.#end) return incomplete;
      if (this.#bytes[at] === braceEnd) return at + 1;
      if (this.#bytes[at] !== comma) return malformed;
      at = skipSpace(this.#bytes, at + 1, this.#end);
    }
  }

  #array(from: number, depth: number): number {
    let at = skipSpace(this.#bytes, from, this.#end);
    if (at < this.#end && this.#bytes[at] === bracketEnd) return at + 1;
    for (;;) {
      at = this.#value(at, nothing, depth);
      if (at < 0) return at;
      at = skipSpace(this.#bytes, at, this.#end);
      if (at >= this.#end) return incomplete;
      if (this.#bytes[at] === bracketEnd) return at + 1;
      if (this.#bytes[at] !== comma) return malformed;
      at = skipSpace(this.#bytes, at + 1, this.#end);
    }
  }

  /** The node that a name leads to; null when the name is malformed. */
  #childOf(node: PathNode, from: number, to: number): PathNode | null {
    let first = from;
    let end = to;
    if (hasEscape(this.#bytes, from, to)) {
      first = this.#scratch;
      end = withoutEscapes(this.#bytes, from, to, first);
      if (end < 0) return null;
    }
    return node.children[node.names.find(this.#bytes, first, end)] ?? nothing;
  }

  /** False when it is malformed. */
  #string(from: number, to: number, slot: number): boolean {
    if (!hasEscape(this.#bytes, from, to)) {
      if (slot >= 0) this.#put(slot, from, to);
      return true;
    }
    const start = this.#scratch;
    const end = withoutEscapes(this.#bytes, from, to, start);
    if (end < 0) return false;
    if (slot < 0) return true;
    for (let index = start; index < end; index += 1) if (this.#bytes[index]! < 32) this.fault ??= 'control-character';
    this.#put(slot, start, end);
    this.#scratch = end;
    return true;
  }

  #put(slot: number, from: number, to: number): void {
    if (this.#seen[slot] === 1) this.fault ??= 'name-twice';
    this.#seen[slot] = 1;
    this.#slots.from[slot] = from;
    this.#slots.to[slot] = to;
  }
}

function treeOf(paths: readonly { readonly names: readonly string[]; readonly slot: number }[]): PathNode {
  const here = paths.find(({ names }) => names.length === 0);
  const below = Map.groupBy(
    paths.filter(({ names }) => names.length > 0),
    ({ names }) => names[0]!,
  );
  return {
    names: new EnumTable([...below.keys()].map((name) => Buffer.from(name))),
    children: [...below.values()].map((group) =>
      treeOf(group.map(({ names, slot }) => ({ names: names.slice(1), slot }))),
    ),
    slot: here?.slot ?? -1,
  };
}
