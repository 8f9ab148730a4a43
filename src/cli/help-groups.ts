/** The order in which `linekeeper --help` shows the commands, by what somebody comes for. A test finds one that has no place. */
import type { Command } from 'commander';

const groups: Readonly<Record<string, readonly string[]>> = {
  'The service:': ['start', 'status', 'health', 'tree', 'why', 'config', 'release', 'process', 'signal', 'demo'],
  'Its work:': ['sync', 'import', 'pause', 'schedule', 'chain', 'dead', 'alert', 'alert-rule', 'actor'],
  'What it works with:': ['customer', 'subscription', 'suspense', 'tariff', 'zones', 'provider', 'rate', 'preview'],
  'What comes of it:': ['totals', 'cycle', 'report', 'invoice', 'reconcile', 'purge'],
};

const places = Object.entries(groups).flatMap(([group, names]) => names.map((name) => ({ group, name })));

export function groupCommands(program: Command): void {
  const placeOf = (command: Command) => places.findIndex(({ name }) => name === command.name());
  for (const command of program.commands) command.helpGroup(places[placeOf(command)]?.group ?? 'Others:');
  (program.commands as Command[]).sort((a, b) => placeOf(a) - placeOf(b));
}
