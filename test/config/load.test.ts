import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError, type ConfigSources, loadConfig } from '../../src/config/load.ts';
import { redisUrl } from '../../src/config/redis-url.ts';
import { checkSecrets, configJsonSchema, configReference, maskUrl, showConfig } from '../../src/config/show.ts';

const cwd = mkdtempSync(join(tmpdir(), 'lk-config-'));
after(() => rmSync(cwd, { recursive: true }));

function file(content: unknown): string {
  const path = join(cwd, 'linekeeper.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function load(sources: Partial<ConfigSources> = {}) {
  return loadConfig({ env: {}, cwd, cores: 6, ...sources });
}

function problemsOf(sources: Partial<ConfigSources>): readonly string[] {
  try {
    load(sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  assert.fail('the configuration was accepted');
}

test('without any source every key has its default and paths are absolute', () => {
  const config = load();
  assert.equal(config.stateDirectory, join(cwd, '.linekeeper'));
  assert.equal(config.admin.socket, join(cwd, '.linekeeper/admin.sock'));
  assert.equal(config.archive.directory, join(cwd, '.linekeeper/archive'));
  assert.equal(config.alerts.file, join(cwd, '.linekeeper/alerts.jsonl'));
  assert.equal(config.compute.threads, 6);
  assert.equal(config.chains.leaseMs, 6_000);
  assert.equal(config.database.url, undefined);
});

test('the environment wins over the file and the command line over both', () => {
  const path = file({ chains: { lanes: 1, sweepMs: 11 }, database: { poolSize: 5 }, log: { level: 'warn' } });
  const config = load({
    file: path,
    env: { LINEKEEPER_CHAINS_LANES: '2', LINEKEEPER_DATABASE_POOL_SIZE: '6' },
    overrides: { chains: { lanes: 3 } },
  });
  assert.deepEqual([config.chains.lanes, config.chains.sweepMs, config.database.poolSize], [3, 11, 6]);
  assert.equal(config.log.level, 'warn');
});

test('LINEKEEPER_CONFIG names the file, and paths in a file are relative to that file', () => {
  const path = file({ stateDirectory: 'state', archive: { directory: '/srv/archive' } });
  const config = load({ cwd: '/', env: { LINEKEEPER_CONFIG: path, LINEKEEPER_ADMIN_SOCKET: 'run/a.sock' } });
  assert.equal(config.stateDirectory, join(cwd, 'state'));
  assert.equal(config.archive.directory, '/srv/archive');
  assert.equal(config.admin.socket, '/run/a.sock');
});

test('DATABASE_URL is the database, and LINEKEEPER_DATABASE_URL wins over it', () => {
  assert.equal(load({ env: { DATABASE_URL: 'postgres://a/b' } }).database.url, 'postgres://a/b');
  const env = { DATABASE_URL: 'postgres://a/b', LINEKEEPER_DATABASE_URL: '{"env":"PG_URL"}' };
  assert.deepEqual(load({ env }).database.url, { env: 'PG_URL' });
});

test('REDIS_URL is Redis, LINEKEEPER_REDIS_URL wins over it, and without either there is none', () => {
  const env = { REDIS_URL: 'redis://a:6379', LINEKEEPER_REDIS_URL: '{"env":"WHERE"}' };
  assert.equal(redisUrl(load(), {}), null);
  assert.equal(redisUrl(load({ env: { REDIS_URL: env.REDIS_URL } }), {}), 'redis://a:6379');
  assert.equal(redisUrl(load({ env }), { WHERE: 'rediss://b' }), 'rediss://b');
  for (const wrong of ['http://a', 'redis//a', 'redis://:6379:x', 'a:6379']) {
    assert.throws(() => redisUrl(load({ env: { REDIS_URL: wrong } }), {}), /the address of Redis is none such as/);
  }
});

test('a Redis prefix that would put its keys into several slots of a cluster is refused', () => {
  const problems = problemsOf({ env: { LINEKEEPER_REDIS_PREFIX: 'a}{b' } });
  assert.match(problems.join(), /redis\.prefix is "a\}\{b" .*expected 1 to 64 letters, digits/);
});

test('the database may have several hosts, from the file or the variable, and needs a URL for the rest', () => {
  const url = 'postgres://me@/telecom';
  const hosts = [
    { host: 'db1', port: 5432 },
    { host: 'db2', port: 5433 },
  ];
  const path = file({ database: { url, hosts: [{ host: 'db1' }, hosts[1]] } });
  assert.deepEqual(load({ file: path }).database.hosts, hosts);
  const env = { LINEKEEPER_DATABASE_HOSTS: 'db1,db2:5433' };
  assert.deepEqual(load({ env: { ...env, DATABASE_URL: url } }).database.hosts, hosts);
  assert.match(problemsOf({ env }).join(), /^database\.hosts is set and database\.url is not/);
  const wrong = problemsOf({ env: { DATABASE_URL: url, LINEKEEPER_DATABASE_HOSTS: 'db1:port,db2' } });
  assert.match(wrong.join(), /^database\.hosts\.0 is "db1:port": invalid input: expected object/);
  const secret = problemsOf({ file: file({ database: { url, hosts: [{ host: 'me:hunter2@db1', prt: 1 }] } }) });
  assert.match(secret.join('\n'), /unknown key database\.hosts\.0\.prt/);
});

test('every unknown key is refused by its full path with the nearest known one', () => {
  const path = file({ chians: {}, chains: { lane: 3 }, poolSize: 4, database: { sslmode: 'x' } });
  const problems = problemsOf({ file: path });
  assert.equal(problems.length, 4);
  const expect = (start: string) =>
    assert.ok(
      problems.find((problem) => problem.startsWith(start)),
      start,
    );
  expect(`unknown key chians (from ${path}): did you mean chains?`);
  expect(`unknown key chains.lane (from ${path}): did you mean chains.lanes?`);
  expect(`unknown key poolSize (from ${path}): did you mean database.poolSize?`);
  expect(`unknown key database.sslmode (from ${path})`);
});

test('an unknown variable of ours is refused, and one that is named as the home of a secret is not', () => {
  assert.deepEqual(problemsOf({ env: { LINEKEEPER_CHAIN_LANES: '3' } }), [
    'unknown environment variable LINEKEEPER_CHAIN_LANES: did you mean LINEKEEPER_CHAINS_LANES?',
  ]);
  const path = file({ database: { url: { env: 'LINEKEEPER_PG' } } });
  assert.doesNotThrow(() => load({ file: path, env: { LINEKEEPER_PG: 'postgres://x/y', LINEKEEPER_NODE: '/n' } }));
});

test('all problems of all sources are reported at once, each with where it came from', () => {
  const path = file({ chains: { lanes: 0, beatMs: 'soon' }, alerts: 7 });
  const problems = problemsOf({
    file: path,
    env: { LINEKEEPER_COMPUTE_THREADS: 'many', LINEKEEPER_LOG_LEVEL: 'loud' },
  });
  for (const part of [
    `chains.lanes is 0 (from ${path})`,
    `chains.beatMs is "soon" (from ${path})`,
    `alerts is 7 (from ${path})`,
    'compute.threads is "many" (from LINEKEEPER_COMPUTE_THREADS)',
    'log.level is "loud" (from LINEKEEPER_LOG_LEVEL)',
  ]) {
    assert.ok(
      problems.some((problem) => problem.startsWith(part)),
      `${part} in ${problems.join('\n')}`,
    );
  }
  assert.equal(problems.length, 5);
});

test('a heartbeat that is too slow for its lease is refused', () => {
  assert.match(
    problemsOf({ overrides: { chains: { beatMs: 3_000 } } })[0]!,
    /chains\.beatMs is 3000 .* chains\.leaseMs, which is 6000/,
  );
});

test('a file that is missing, no JSON or no object is one clear problem, without its content', () => {
  assert.match(problemsOf({ file: 'nowhere.json' })[0]!, /nowhere\.json cannot be read \(ENOENT\)/);
  const broken = problemsOf({ file: file('{ "database": { "url": "postgres://u:hunter2@h/d" ') })[0]!;
  assert.match(broken, /linekeeper\.json is not valid JSON/);
  assert.doesNotMatch(broken, /hunter2/);
  assert.match(problemsOf({ file: file('[]') })[0]!, /must hold one JSON object/);
});

test('a key named __proto__ is unknown like any other', () => {
  assert.match(problemsOf({ file: file('{ "__proto__": { "lanes": 3 } }') })[0]!, /unknown key __proto__/);
});

test('a wrong secret is refused without being shown', () => {
  const problems = problemsOf({
    file: file({ database: { url: { password: 'hunter2' } }, alerts: { webhook: { url: 42 } } }),
  });
  assert.equal(problems.length, 2);
  assert.doesNotMatch(problems.join(), /hunter2|42/);
  assert.match(problems.join(), /database\.url.*expected text, \{ "env"/);
});

test('the shown configuration holds no secret', () => {
  const env = {
    DATABASE_URL: 'postgres://lk:hunt@er2@db.example:5432/lk?sslmode=require&password=hunter3',
    REDIS_URL: 'redis://lk:hunt6@cache.example:6380/2',
    LINEKEEPER_ALERTS_WEBHOOK_URL: 'https://hooks.example/services/hunter4?token=hunter5',
  };
  const shown = JSON.stringify(showConfig(load({ env })));
  assert.doesNotMatch(shown, /hunt|er2/);
  assert.match(shown, /postgres:\/\/lk:\*\*\*@db\.example:5432\/lk\?sslmode=require&password=\*\*\*/);
  assert.match(shown, /redis:\/\/lk:\*\*\*@cache\.example:6380\/2/);
  assert.match(shown, /https:\/\/hooks\.example\/\*\*\*/);
  const reference = JSON.stringify(showConfig(load({ env: { LINEKEEPER_DATABASE_URL: '{"file":"/run/pg"}' } })));
  assert.match(reference, /"url":\{"file":"\/run\/pg"\}/);
  assert.equal(maskUrl('postgres://lk@/lk?host=%2Frun', true), 'postgres://lk@/lk?host=%2Frun');
  assert.equal(maskUrl('host=h password=p', true), '***');
});

test('config check names each reference that leads nowhere', () => {
  const config = load({
    file: file({ database: { url: { env: 'NOT_SET' } }, alerts: { webhook: { url: { file: '/nowhere' } } } }),
  });
  assert.deepEqual(checkSecrets(config, {}), [
    'database.url: the secret is expected in the environment variable NOT_SET, which is not set',
    'alerts.webhook.url: the secret in /nowhere cannot be read (ENOENT)',
  ]);
  assert.deepEqual(checkSecrets(load(), {}), []);
  assert.match(
    checkSecrets(load({ env: { REDIS_URL: 'cache:6379' } }), {}).join(),
    /^redis\.url: the address of Redis is none/,
  );
});

test('every key is described, and the JSON schema knows all of them', () => {
  const schema = JSON.stringify(configJsonSchema());
  for (const { path, description } of configReference()) {
    assert.ok(description.length > 10, `${path} has no description`);
    assert.ok(schema.includes(`"${path.split('.').at(-1)}"`), path);
  }
});
