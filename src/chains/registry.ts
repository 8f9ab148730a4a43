/** The definitions a node knows. Which chain and step a row means is looked up here; unknown ones are never dropped. */
import type { ChainDefinition, Step } from './define.ts';

// biome-ignore lint/suspicious/noExplicitAny: a heterogeneous list; each definition was checked where it was made by chain()
export type AnyDefinition = ChainDefinition<any>;
// biome-ignore lint/suspicious/noExplicitAny: as above
export type AnyStep = Step<any>;

export interface Registry {
  readonly definitions: readonly AnyDefinition[];
  /** `name version` of each. */
  readonly known: readonly string[];
  /** Whether a step of any has a concurrency key. */
  readonly hasSlots: boolean;
  /** The newest version known under this name. */
  newest(name: string): AnyDefinition | null;
  find(name: string, version: number): AnyDefinition | null;
}

/** Throws on two definitions of the same name and version, and on one without steps. */
export function createRegistry(definitions: readonly AnyDefinition[]): Registry {
  const byKey = new Map<string, AnyDefinition>();
  // looked up at every step: two looks by what is there cost less than a key that is made for one
  const byName = new Map<string, Map<number, AnyDefinition>>();
  const newest = new Map<string, AnyDefinition>();
  for (const definition of definitions) {
    const key = `${definition.name} ${definition.version}`;
    if (byKey.has(key)) throw new Error(`chain ${definition.name} version ${definition.version} is defined twice`);
    if (definition.steps.length === 0) throw new Error(`chain ${definition.name} has no step; give it one`);
    byKey.set(key, definition);
    const versions = byName.get(definition.name) ?? new Map<number, AnyDefinition>();
    byName.set(definition.name, versions.set(definition.version, definition));
    const known = newest.get(definition.name);
    if (!known || known.version < definition.version) newest.set(definition.name, definition);
  }
  return {
    definitions,
    known: [...byKey.keys()],
    hasSlots: definitions.some(({ steps }) => steps.some((step) => step.concurrency !== null)),
    newest: (name) => newest.get(name) ?? null,
    find: (name, version) => byName.get(name)?.get(version) ?? null,
  };
}

/** The step of that name; the first one for the empty name, which a chain enqueued before its definition existed has. */
export function stepOf(definition: AnyDefinition, name: string): AnyStep | null {
  if (name === '') return definition.steps[0] ?? null;
  return definition.steps.find((step) => step.name === name) ?? null;
}

/** The step after that one, null after the last. */
export function stepAfter(definition: AnyDefinition, name: string): AnyStep | null {
  return definition.steps[definition.steps.findIndex((step) => step.name === name) + 1] ?? null;
}
