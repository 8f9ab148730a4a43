import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { openAdmin } from '../../src/admin/open-admin.ts';
import { type DoorServices, openDoor } from '../../src/cluster/door.ts';
import { createLog } from '../../src/log/log.ts';
import { exampleServices } from '../admin/example-services.ts';

test('lines of a node come through the door as they are said, and whoever goes away is gone for the node too', {
  timeout: 20_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lk-door-'));
  const log = createLog({ level: 'silent' });
  const [front, node] = [join(directory, 'door.sock'), join(directory, 'node.sock')];
  const body = new PassThrough();
  const services = {
    ...exampleServices(),
    preview: async () => ({ contentType: 'application/x-ndjson; charset=utf-8', body }),
  };
  const admin = await openAdmin({ socketPath: node, services, log });
  const ready = () => [{ socket: node }];
  const door = await openDoor(front, { ready, log, descriptor: () => undefined } as unknown as DoorServices);
  try {
    const asking = request({ socketPath: front, method: 'POST', path: '/previews', agent: false });
    asking.on('error', () => {});
    asking.end(JSON.stringify({ file: '/x.csv', tariff: 'T', provider: 'P' }));
    body.write('{"progress":1}\n');
    const [response] = (await once(asking, 'response')) as [IncomingMessage];
    const [first] = await once(response, 'data');
    assert.equal(String(first), '{"progress":1}\n');
    const closed = once(body, 'close');
    response.destroy();
    await closed;
  } finally {
    await door.close();
    await admin.close();
    rmSync(directory, { recursive: true });
  }
});
