/** `npm run bench -- <name> [options]`: prints JSON lines and a table. */
import { benchAllowances } from './allowances/bench.ts';
import { benchCdr } from './cdr/bench.ts';
import { benchChains } from './chains/bench.ts';
import { benchFinished } from './finished/bench.ts';
import { benchPages } from './pages/bench.ts';
import { benchSoak } from './soak/bench.ts';
import { benchSp16 } from './sp16/bench.ts';
import { benchSupervisors } from './supervisors/bench.ts';

const benches: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  allowances: benchAllowances,
  cdr: benchCdr,
  chains: benchChains,
  finished: benchFinished,
  pages: benchPages,
  soak: benchSoak,
  sp16: benchSp16,
  supervisors: benchSupervisors,
};

const [name, ...args] = process.argv.slice(2);
const bench = benches[name ?? ''];
if (bench) {
  await bench(args);
} else {
  console.error(`npm run bench -- ${Object.keys(benches).join(' | ')}${name ? ` (not ${name})` : ''}`);
  process.exitCode = 2;
}
