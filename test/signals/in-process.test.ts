import { setImmediate as turn } from 'node:timers/promises';
import { inProcessSignals } from '../../src/signals/in-process.ts';
import { conformance } from './conformance.ts';

conformance('in-process', inProcessSignals, async () => {
  await turn();
});
