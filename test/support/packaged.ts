/** The packaged service on a real systemd, with databases of the test server: deploy/ as it is, shorter times in drop-ins. */
import { chmodSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestDatabase, testDatabase } from './database.ts';
import { bootSystemd, type SystemdMachine } from './systemd.ts';

const repository = join(import.meta.dirname, '..', '..');
const deploy = '/opt/linekeeper/current/deploy';

/** What has to be seen inside: the project, the Node that runs this test, and packages that are only linked to. */
export function projectBinds(): Record<string, string> {
  const packages = realpathSync(join(repository, 'node_modules'));
  return {
    '/opt/linekeeper/current': repository,
    '/opt/linekeeper/node': dirname(dirname(process.execPath)),
    ...(packages.startsWith(repository) ? {} : { [packages]: packages }),
  };
}

export interface Packaged {
  readonly machine: SystemdMachine;
  readonly databases: readonly TestDatabase[];
  /** The URL of a database, as it is seen inside. */
  url(database: number): string;
  /** Lines of [Service] for a unit; null removes them. */
  dropIn(unit: string, name: string, lines: readonly string[] | null): void;
  start(...units: string[]): void;
  stop(): Promise<void>;
}

export async function bootPackaged(databaseCount: number): Promise<Packaged> {
  const databases: TestDatabase[] = [];
  for (let count = 0; count < databaseCount; count += 1) databases.push(await testDatabase());
  const places = databases.map(({ url }) => decodeURIComponent(/host=([^&]+)/.exec(url)![1]!));
  // the service runs as another user than the server
  for (const place of places) chmodSync(place, 0o755);
  const sockets = Object.fromEntries(places.map((place, at) => [`/srv/pg${at}`, place]));
  const machine = await bootSystemd({ ...projectBinds(), ...sockets });
  const units = ['service', 'socket'].map((kind) => `${deploy}/linekeeper.${kind}`);
  const system = '/etc/systemd/system';
  machine.must('cp', ...units, `${deploy}/linekeeper-alert@.service`, `${deploy}/linekeeper@.socket`, system);
  machine.must('cp', `${deploy}/linekeeper.service`, `${system}/linekeeper@.service`);
  machine.must('cp', '-r', `${deploy}/linekeeper@.service.d`, system);
  machine.must('systemd-sysusers', `${deploy}/sysusers.conf`);
  machine.must('systemd-tmpfiles', '--create', `${deploy}/tmpfiles.conf`);
  return {
    machine,
    databases,
    url: (at) => databases[at]!.url.replace(/host=[^&]+/, `host=/srv/pg${at}`),
    dropIn(unit, name, lines) {
      const path = `${system}/${unit}.d/${name}.conf`;
      if (lines === null) machine.must('rm', path);
      else machine.write(path, `[Service]\n${lines.join('\n')}\n`);
      machine.must('systemctl', 'daemon-reload');
    },
    start(...names) {
      if (machine.run('systemctl', 'start', ...names).status === 0) return;
      const said = machine.run('journalctl', '-o', 'cat', '--lines=60').stdout;
      throw new Error(`${names.join(', ')} did not start:\n${said.slice(-6_000)}`);
    },
    async stop() {
      await machine.stop();
      for (const database of databases) await database.close();
    },
  };
}
