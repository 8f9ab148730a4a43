/** Loaded into a service by NODE_OPTIONS: SIGUSR2 blocks its main thread for good. */
import { isMainThread } from 'node:worker_threads';

function blockedForGood() {
  for (;;);
}
if (isMainThread) process.on('SIGUSR2', blockedForGood);
