/** What the lists of commands are written with. */
import { type Command, Option } from 'commander';

/** Resolves to the exit code. */
export type Run = (...values: never[]) => Promise<number>;

export interface Words {
  /** A noun, whose commands are its verbs. */
  noun(name: string, about: string): Command;
  /** A command that needs no service. */
  local(command: Command): Command;
  /** A command that talks to the service. */
  remote(command: Command): Command;
  /** The file of a command is loaded when it is run. */
  runs(load: () => Promise<Run>): (...given: unknown[]) => Promise<void>;
}

const neededOptions = new WeakSet<Option>();

/** commander's own required options are checked before unknown ones, and then nobody hears of the typing error. */
export function needed(flags: string, description: string): Option {
  const option = new Option(flags, `${description} (required)`);
  neededOptions.add(option);
  return option;
}

export function isNeeded(option: Option): boolean {
  return neededOptions.has(option);
}
