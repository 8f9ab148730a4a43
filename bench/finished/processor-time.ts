/** Processor time of this process and of a PostgreSQL server with all its backends, also those that have ended. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of /proc/<pid>/stat are 10 ms on every Linux that matters. */
const tickMs = 10;

export function processorMs(postmasterPid: number): number {
  const { user, system } = process.cpuUsage();
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (!stat) continue;
    if (Number(name) === postmasterPid) ticks += stat.own + stat.ofEndedChildren;
    else if (stat.parent === postmasterPid) ticks += stat.own;
  }
  return (user + system) / 1_000 + ticks * tickMs;
}

function statOf(pid: string): { parent: number; own: number; ofEndedChildren: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name in parentheses may hold spaces
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [utime, stime, cutime, cstime] = fields.slice(11, 15) as [number, number, number, number];
    return { parent: fields[1]!, own: utime + stime, ofEndedChildren: cutime + cstime };
  } catch {
    return null; // it has ended meanwhile
  }
}
