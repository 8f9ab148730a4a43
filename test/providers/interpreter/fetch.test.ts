import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import type { AlertInput } from '../../../src/alerts/alerts.ts';
import { ArchiveError } from '../../../src/archive/archive-error.ts';
import { chain } from '../../../src/chains/define.ts';
import { buildChain } from '../../../src/providers/interpreter/build-chain.ts';
import type { InterpreterServices } from '../../../src/providers/interpreter/services.ts';
import { kpnSp16 } from '../../../src/providers/kpn-sp16/adapter.ts';
import type { ProviderSession, SessionAnswer, SessionResult } from '../../../src/providers/session.ts';
import { syncInput } from '../../../src/providers/sync-input.ts';
import { type Transport, TransportError } from '../../../src/providers/transports/transport.ts';
import { type Harness, harness, isState, until } from '../../chains/harness.ts';
import { makeContract, type TestContract } from '../../support/contract.ts';

let h: Harness;
let contract: TestContract;
before(async () => {
  h = await harness();
  contract = await makeContract(h.database);
  await h.database.query(`update sync_profile set transport = '{"kind": "directory", "dir": "/"}'`);
});
after(() => h.close());

const input = () => ({
  syncTaskId: '1',
  profileId: contract.profileId,
  contractId: contract.contractId,
  force: false,
});

function grant(release: (result: SessionResult) => void = () => {}): SessionAnswer {
  const session: ProviderSession = {
    permit: async () => ({ kind: 'granted' }),
    pauseAll: async () => {},
    token: null,
    keepToken() {},
    release,
  };
  return { kind: 'granted', session };
}

const fetchStep = (services: InterpreterServices) => buildChain(kpnSp16, services).steps[0]!.handler;

function silent(): { transport: Transport; closed: () => boolean } {
  let closed = false;
  const never = <T>() => new Promise<T>(() => {});
  return {
    closed: () => closed,
    transport: {
      list: () => never(),
      readSmall: () => never(),
      open: () => never(),
      async close() {
        closed = true;
      },
    },
  };
}

test('a server that never answers costs the step its deadline, and its session comes back', async () => {
  const server = silent();
  const released: string[] = [];
  const services = {
    alerts: { raise() {}, resolve() {}, flush: async () => {} },
    openTransport: async () => server.transport,
    acquireSession: async () => grant((result) => void released.push(result)),
  } as unknown as InterpreterServices;
  const fetching = chain('fetch-only', syncInput).step('fetch', fetchStep(services), {
    deadlineMs: 100,
    retry: { tries: 1 },
  });
  const engine = h.engine([fetching]);
  const { chainId } = await h.enqueueWith([fetching])(h.database, fetching, input());
  await h.chainUntil(chainId, isState('dead'));
  await until(
    async () => released,
    (seen) => seen.length === 1 && server.closed(),
    2_000,
  );
  assert.deepEqual(released, ['unavailable']);
  await engine.stop(1_000);
});

test('an archive without space is waited out, and burns no attempt', async () => {
  const name = 'SP16X_0000000101_202603_000001.dat.gz';
  const content = Buffer.from('x');
  const marker = `${createHash('sha256').update(content).digest('hex')} 1\n`;
  const raised: string[] = [];
  const services = {
    alerts: { raise: ({ rule }: AlertInput) => void raised.push(rule), resolve() {}, flush: async () => {} },
    archive: {
      async put() {
        throw new ArchiveError('disk-full', 'the archive has no space left');
      },
    },
    acquireSession: async () => grant(),
    openTransport: async (): Promise<Transport> => ({
      list: async () => [
        { name, bytes: 1, changedMs: 0 },
        { name: `${name}.ok`, bytes: marker.length, changedMs: 0 },
      ],
      readSmall: async () => marker,
      open: async () => Readable.from([content]),
      close: async () => {},
    }),
  } as unknown as InterpreterServices;
  const fetching = chain('fetch-full', syncInput).step('fetch', fetchStep(services), { retry: { tries: 1 } });
  const engine = h.engine([fetching]);
  const { chainId } = await h.enqueueWith([fetching])(h.database, fetching, input());
  const row = await h.chainUntil(chainId, isState('timer', 'dead'));
  assert.deepEqual([row.state, row.attempt, row.reason], ['timer', 0, 'the archive has no space left']);
  assert.deepEqual(raised, ['archive.trouble']);
  await engine.stop(1_000);
});

test('a provider that is away is waited out and alerted, and the alert ends when it is back', async () => {
  const open = new Set<string>();
  let away = true;
  const services = {
    alerts: {
      raise: ({ rule }: AlertInput) => void open.add(rule),
      resolve: (rule: string) => void open.delete(rule),
      flush: async () => {},
    },
    acquireSession: async () => grant(),
    openTransport: async (): Promise<Transport> => {
      if (away) throw new TransportError('unavailable', 'sftp://kpn@nowhere cannot be reached');
      return {
        list: async () => [],
        readSmall: async () => '',
        open: async () => Readable.from([]),
        close: async () => {},
      };
    },
  } as unknown as InterpreterServices;
  const fetching = chain('fetch-away', syncInput).step('fetch', fetchStep(services));
  const engine = h.engine([fetching]);
  const { chainId } = await h.enqueueWith([fetching])(h.database, fetching, input());
  const row = await h.chainUntil(chainId, isState('timer', 'dead'));
  assert.deepEqual([row.state, row.attempt], ['timer', 0]);
  assert.deepEqual([...open], ['profile.unavailable']);
  away = false;
  await h.database.query('update chain set run_at = now() where id = $1', [chainId]);
  await h.chainUntil(chainId, isState('succeeded', 'dead'));
  assert.deepEqual([...open], []);
  await engine.stop(1_000);
});
