/** A node of its own for tests that kill it: works on TEST_URL with the archive in TEST_ARCHIVE, once it is told to begin. */
import { once } from 'node:events';
import { stopPointsFromEnvironment } from '../../../src/chains/stop-points.ts';
import { routItChains } from '../../../src/providers/routit/chain.ts';
import { harness } from '../../chains/harness.ts';
import { routItServices } from './reseller-world.ts';

await once(process.stdin, 'data');
const h = await harness({ url: process.env.TEST_URL! });
const alerts = { raise() {}, resolve() {}, flush: async () => {} };
const services = await routItServices(process.env.TEST_ARCHIVE!, alerts, () => ({
  permit: async () => ({ kind: 'granted' }),
  pauseAll: async () => {},
  token: null,
  keepToken() {},
  release() {},
}));
const engine = h.engine(routItChains(services), {
  alerts,
  stopPoints: stopPointsFromEnvironment(process.env),
  leaseMs: 400,
  beatMs: 80,
});
await engine.ended;
