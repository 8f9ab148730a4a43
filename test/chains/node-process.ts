/** A node of its own, for tests that kill it: runs the four-step chain on TEST_URL until it is stopped or killed. */
import { stopPointsFromEnvironment } from '../../src/chains/stop-points.ts';
import { fourSteps, harness, sharedSteps } from './harness.ts';

const h = await harness({ url: process.env.TEST_URL! });
const engine = h.engine([fourSteps, sharedSteps], {
  stopPoints: stopPointsFromEnvironment(process.env),
  leaseMs: 600,
  lanes: 2,
  ...(process.env.TEST_SUSPECTS ? { suspects: process.env.TEST_SUSPECTS as 'leave' | 'only' } : {}),
});
process.on('SIGTERM', () => void engine.stop(1_000).then(() => h.close()));
await engine.ended;
