import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bringNeeds, type Machine, thisMachine } from '../../scripts/test-needs.ts';

const wanted = [
  { command: 'faketime', debianPackage: 'faketime', why: 'clock tests' },
  { command: 'sshd', debianPackage: 'openssh-server', why: 'transport tests' },
];

function machine(present: string[], mayInstall: boolean, installs = true) {
  const said: string[] = [];
  const ran: string[] = [];
  const it: Machine = {
    has: (command) => present.includes(command),
    mayInstall,
    run(command, args) {
      ran.push([command, ...args].join(' '));
      if (args.includes('install') && installs) present.push('faketime', 'sshd');
      return installs;
    },
    say: (line) => said.push(line),
  };
  return { it, said, ran };
}

test('says and runs nothing when everything is there', () => {
  const { it, said, ran } = machine(['faketime', 'sshd'], true);
  assert.equal(bringNeeds(wanted, it), true);
  assert.deepEqual([said, ran], [[], []]);
});

test('as root on Debian installs what is missing, after one apt-get update, and says so', () => {
  const { it, said, ran } = machine(['sshd'], true);
  assert.equal(bringNeeds(wanted, it), true);
  assert.deepEqual(ran, ['apt-get update', 'apt-get install -y --no-install-recommends faketime']);
  assert.match(said.join('\n'), /missing: faketime .*clock tests\ninstalling: /);
});

test('otherwise prints the one line to run and fails, never skipping', () => {
  const { it, said, ran } = machine([], false);
  assert.equal(bringNeeds(wanted, it), false);
  assert.deepEqual(ran, []);
  assert.match(said.at(-1)!, /apt-get install -y --no-install-recommends faketime openssh-server$/);
});

test('an installation that fails fails the run', () => {
  const { it, said } = machine([], true, false);
  assert.equal(bringNeeds(wanted, it), false);
  assert.match(said.at(-1)!, /could not install faketime openssh-server/);
});

test('finds a program on the path of this machine, and not one that is not there', () => {
  const here = thisMachine({ PATH: process.env.PATH });
  assert.equal(here.has('sh'), true);
  assert.equal(here.has('no-such-program-of-linekeeper'), false);
});
