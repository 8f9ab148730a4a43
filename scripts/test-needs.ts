/**
 * What the tests need beyond npm packages. A missing program is installed when we may (root on Debian), otherwise the one
 * line to run is printed and the run fails: a test is never skipped because its program is not there.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Need {
  readonly command: string;
  readonly debianPackage: string;
  /** Which tests use it. */
  readonly why: string;
}

/** PostgreSQL and Node come from npm; what is here does not. */
export const needs: readonly Need[] = [
  { command: 'sshd', debianPackage: 'openssh-server', why: 'the SFTP transport, against a real server' },
  { command: 'ssh-keygen', debianPackage: 'openssh-client', why: 'the keys of that server' },
  { command: 'systemd-analyze', debianPackage: 'systemd', why: 'the packaged service, under a real systemd' },
  { command: 'faketime', debianPackage: 'faketime', why: 'nodes whose clocks are wrong' },
  { command: 'redis-server', debianPackage: 'redis-server', why: 'the signals between nodes' },
  { command: 'curl', debianPackage: 'curl', why: 'the alert that needs no Node' },
];

export interface Machine {
  has(command: string): boolean;
  /** Root on a machine with apt-get. */
  readonly mayInstall: boolean;
  run(command: string, args: readonly string[]): boolean;
  say(line: string): void;
}

/** True when everything is there in the end; says what it does and, when it cannot, the line that would. */
export function bringNeeds(wanted: readonly Need[], machine: Machine): boolean {
  const missing = wanted.filter((need) => !machine.has(need.command));
  if (missing.length === 0) return true;
  for (const need of missing)
    machine.say(`missing: ${need.command} (Debian package ${need.debianPackage}), for ${need.why}`);
  const packages = [...new Set(missing.map((need) => need.debianPackage))];
  const line = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!machine.mayInstall) {
    machine.say(`run this as root, then again npm test: ${line}`);
    return false;
  }
  machine.say(`installing: ${line}`);
  const installed =
    machine.run('apt-get', ['update']) &&
    machine.run('apt-get', ['install', '-y', '--no-install-recommends', ...packages]);
  const left = missing.filter((need) => !machine.has(need.command));
  if (installed && left.length === 0) return true;
  machine.say(`could not install ${packages.join(' ')}; run this as root, then again npm test: ${line}`);
  return false;
}

export function thisMachine(environment: NodeJS.ProcessEnv): Machine {
  // sbin is not on an ordinary user's PATH, and servers live there
  const path = [...(environment.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const has = (command: string) => path.some((directory) => isExecutable(join(directory, command)));
  return {
    has,
    mayInstall: process.getuid?.() === 0 && existsSync('/etc/debian_version') && has('apt-get'),
    run: (command, args) =>
      spawnSync(command, args, { stdio: 'inherit', env: { ...environment, DEBIAN_FRONTEND: 'noninteractive' } })
        .status === 0,
    say: (line) => process.stdout.write(`${line}\n`),
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
