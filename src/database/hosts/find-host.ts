/** For a command that needs the database once: the host to ask. */
import { askServer } from '../server-facts.ts';
import { type HostPlace, hostsOf } from './host-list.ts';
import { openHosts } from './hosts.ts';

/** Rejects with what is wrong with each host. One host alone is not asked here: whoever uses it hears it. */
export async function findHost(url: string, places: readonly HostPlace[] | undefined): Promise<string> {
  const list = hostsOf(url, places);
  if (list.length === 1) return list[0]!.url;
  const hosts = openHosts({
    hosts: list,
    ask: askServer,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
  });
  await hosts.probe(new AbortController().signal);
  return hosts.url();
}
