import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceContext } from '../../src/services/context.ts';
import type { Finding } from '../../src/services/findings.ts';
import { health } from '../../src/services/health.ts';

const engine = { busy: 0, lanes: 4, beatMsAgo: 1, claimedMsAgo: 1, provenMsAgo: 1, bootId: 'node' };

function statusWith(...list: Finding[]) {
  const context = {
    availability: { state: () => ({ kind: 'up' }) },
    hosts: () => null,
    isPrepared: () => true,
    redis: null,
    alerts: { warnings: () => [] },
    compute: { status: () => ({ threads: 1, running: 0, queued: 0, died: 0 }) },
    engine: () => ({ status: () => engine }),
    findings: () => ({ lookedMsAgo: 1, list }),
    nodes: () => [],
    release: '0.1.0',
    startedAt: new Date(0),
  };
  const { status, checks } = health(context as unknown as ServiceContext, 1);
  return [status, checks.find(({ name }) => name === 'audit')!.message];
}

const finding = { rule: 'totals.review', subject: 'C001', message: 'generation 2 waits', detail: {}, count: 1 };

test('what waits for a person is said, and is no reason to think that the service does not do its work', () => {
  assert.deepEqual(statusWith({ ...finding, waitsForPerson: true }), ['degraded', 'generation 2 waits']);
  assert.deepEqual(statusWith(finding), ['failing', 'generation 2 waits']);
  assert.equal(statusWith()[0], 'ok');
});
