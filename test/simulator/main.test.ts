/** The simulator as a user starts it: a process, its output directory, its SFTP server. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import SftpClient from 'ssh2-sftp-client';

const main = join(import.meta.dirname, '../../simulator/main.ts');
const scratch = mkdtempSync(join(tmpdir(), 'simulator-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const small = ['--customers', '2', '--subs', '10', '--records', '600', '--months', '2026-03,2026-10'];

function run(...args: string[]) {
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

function tree(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(directory, name)).isFile());
  return new Map(
    files.map((name) => [name, readFileSync(join(directory, name), 'latin1').replaceAll(directory, 'OUT')]),
  );
}

test('the same flags write the same bytes, another seed writes others', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(scratch, name)) as [string, string, string];
  const first = run('--out', a, '--seed', '7', ...small);
  assert.equal(first.status, 0, first.stderr);
  assert.deepEqual(JSON.parse(first.stdout), { ready: true, out: a });
  assert.equal(run('--out', b, '--seed', '7', ...small).status, 0);
  assert.equal(run('--out', c, '--seed', '8', ...small).status, 0);
  assert.deepEqual(tree(a), tree(b));
  const drop = 'drops/0000000101/SP16X_0000000101_202603_000001.dat.gz';
  assert.ok(
    tree(a).has(drop) &&
      tree(a).has('truth.json') &&
      tree(a).has('invoices/F0101-2026-03.json') &&
      tree(a).has('tariffs/kpn-wereld.json'),
  );
  assert.notEqual(tree(a).get(drop), tree(c).get(drop));
  assert.notEqual(tree(a).get('truth.json'), tree(c).get('truth.json'));
});

test('a second run over its own output touches no file, one with other flags is refused', () => {
  const out = join(scratch, 'again');
  assert.equal(run('--out', out, ...small, '--no-truth').status, 0);
  const drop = join(out, 'drops/0000000102/SP16X_0000000102_202610_000002.dat.gz');
  const { mtimeMs, ino } = statSync(drop);
  assert.equal(run('--out', out, ...small, '--no-truth').status, 0);
  assert.deepEqual([statSync(drop).mtimeMs, statSync(drop).ino], [mtimeMs, ino]);
  const other = run('--out', out, '--seed', '9', ...small);
  assert.equal(other.status, 64);
  assert.match(other.stderr, /was made with other flags: remove it or choose another/);
});

test('wrong flags are refused in one line that says what would be right', () => {
  const refused = (args: string[], message: RegExp) => {
    const { status, stderr } = run(...args);
    assert.equal(status, 64);
    assert.match(stderr, message);
    assert.equal(stderr.trim().split('\n').length, 1);
  };
  refused(['--sede', '7'], /Unknown option '--sede'.*--help/);
  refused(['--seed', 'seven'], /--seed: "seven" is no whole number from 0 to/);
  refused(['--months', '2026-13'], /--months: "2026-13" is no month such as 2026-03/);
  refused(['--sftp-port', '0'], /--sftp-port: set KPN_SFTP_PASSWORD/);
  refused(['--providers', 'T_MOBILE'], /T_MOBILE and ROUTIT need --http-port/);
  refused(['--providers', 'ODIDO', '--http-port', '0'], /"ODIDO" is not one of KPN_SP16, T_MOBILE, ROUTIT/);
  refused(['--providers', 'ROUTIT', '--http-port', '0'], /--providers ROUTIT: set ROUTIT_PASSWORD/);
  const foreign = mkdtempSync(join(scratch, 'foreign-'));
  writeFileSync(join(foreign, 'thesis.txt'), 'mine');
  refused(['--out', foreign], /holds "thesis.txt", which is not the simulator's/);
  refused(['--faults', join(scratch, 'none.json')], /--faults: cannot read/);
});

test('--help tells every flag and writes nothing', () => {
  const { status, stdout } = run('--help');
  assert.equal(status, 0);
  const flags = 'out seed customers subs months records sftp-port providers http-port faults no-truth'.split(' ');
  for (const flag of flags) {
    assert.match(stdout, new RegExp(`--${flag} `));
  }
});

test('the SFTP server hands out the drops to the right password only, and writes nothing', async () => {
  const out = join(scratch, 'sftp');
  const { child, ready } = await serve(out);
  try {
    assert.equal(ready.user, 'kpn');
    assert.equal(ready.passwordEnv, 'KPN_SFTP_PASSWORD');
    const [odd, even] = JSON.parse(readFileSync(join(out, 'customers.json'), 'utf8')).customers;
    assert.deepEqual(odd.contracts[0].profiles[0].transport, {
      kind: 'sftp',
      host: '127.0.0.1',
      port: ready.port,
      user: 'kpn',
      dir: '/0000000101',
      password: { env: 'KPN_SFTP_PASSWORD' },
      hostKeySha256: ready.hostKeySha256,
    });
    assert.deepEqual(even.contracts[0].profiles[0].transport, {
      kind: 'directory',
      dir: join(out, 'drops/0000000102'),
    });
    await fetchAll(out, ready);
    const intruder = new SftpClient();
    await assert.rejects(
      intruder.connect({ ...connection(ready), password: 'guess' }),
      /authentication methods failed/,
    );
  } finally {
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
  }
});

test('two more providers are served by HTTP, with contracts, tariffs and truth beside those of the files', async () => {
  const out = join(scratch, 'http');
  const plan = join(scratch, 'plan.json');
  const faults = [
    { at: 'ROUTIT.overview', fault: 'F01' },
    { customer: 'C002', month: '2026-03', fault: 'F11' },
  ];
  writeFileSync(plan, JSON.stringify(faults));
  const flags = ['--providers', 'KPN_SP16,T_MOBILE,ROUTIT', '--http-port', '0', '--faults', plan];
  const { child, ready } = await start(out, [...small, ...flags]);
  try {
    const { customers } = JSON.parse(readFileSync(join(out, 'customers.json'), 'utf8'));
    const contracts = customers.map(({ code, contracts: list }: { code: string; contracts: { provider: string }[] }) =>
      [code, ...list.map(({ provider }) => provider)].join(' '),
    );
    assert.deepEqual(contracts, ['C001 KPN T_MOBILE ROUTIT', 'C002 KPN T_MOBILE ROUTIT', 'R001 ROUTIT']);
    assert.deepEqual(customers[0].contracts[1].profiles[0].transport, {
      kind: 'rest',
      base: ready.http,
      clientId: 'c001',
      clientSecret: { env: 'T_MOBILE_CLIENT_SECRET' },
    });
    const truth = JSON.parse(readFileSync(join(out, 'truth.json'), 'utf8'));
    assert.equal(truth.cycles.length, 2 * 2 * 3);
    for (const name of ['tmobile-business', 'routit-purchase', 'routit-resale', 'kpn-zakelijk']) {
      assert.ok(tree(out).has(`tariffs/${name}.json`));
    }
    const authorization = `Basic ${Buffer.from('reseller:riddle').toString('base64')}`;
    const ask = () => fetch(`${ready.http}/cdr`, { method: 'POST', headers: { authorization }, body: '' });
    assert.deepEqual([(await ask()).status, (await ask()).status], [401, 200]);
  } finally {
    child.kill('SIGTERM');
    assert.equal((await once(child, 'exit'))[0], 0);
  }
});

interface Ready {
  port: number;
  http: string;
  user: string;
  passwordEnv: string;
  hostKeySha256: string;
}

function serve(out: string): Promise<{ child: ChildProcess; ready: Ready }> {
  return start(out, [...small, '--no-truth', '--sftp-port', '0']);
}

async function start(out: string, flags: readonly string[]): Promise<{ child: ChildProcess; ready: Ready }> {
  const secrets = { KPN_SFTP_PASSWORD: 'secret', T_MOBILE_CLIENT_SECRET: 'hidden', ROUTIT_PASSWORD: 'riddle' };
  const child = spawn(process.execPath, [main, '--out', out, ...flags], {
    env: { ...process.env, ...secrets },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(child.stdout!), 'line');
  return { child, ready: JSON.parse(line) };
}

function connection(ready: Ready) {
  const wanted = ready.hostKeySha256.replace('SHA256:', '');
  // ssh2 gives the hash in hex and without a prefix
  const hostVerifier = (hash: string) => Buffer.from(hash, 'hex').toString('base64').replace(/=+$/, '') === wanted;
  return { host: '127.0.0.1', port: ready.port, username: 'kpn', password: 'secret', hostHash: 'sha256', hostVerifier };
}

async function fetchAll(out: string, ready: Ready): Promise<void> {
  const client = new SftpClient();
  await client.connect(connection(ready));
  try {
    const listed = await client.list('/0000000101');
    assert.deepEqual(listed.map(({ name }) => name).sort(), readdirSync(join(out, 'drops/0000000101')).sort());
    const [file] = listed.filter(({ name }) => name.endsWith('.gz'));
    const original = readFileSync(join(out, 'drops/0000000101', file!.name));
    assert.equal(file!.size, original.length);
    assert.ok(original.equals((await client.get(`/0000000101/${file!.name}`)) as Buffer));
    const copy = join(scratch, 'fetched.gz');
    await client.fastGet(`/0000000101/${file!.name}`, copy);
    assert.ok(original.equals(readFileSync(copy)));
    await assert.rejects(client.put(Buffer.from('x'), '/0000000101/new'), /denied/i);
    await assert.rejects(client.delete(`/0000000101/${file!.name}`), /denied/i);
    await assert.rejects(client.get('/../../customers.json'), /No such file/i);
    await assert.rejects(client.list('/none'), /No such|exist/i);
  } finally {
    await client.end();
  }
}
