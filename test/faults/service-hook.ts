/**
 * Preloaded (`NODE_OPTIONS=--import`) into the service of this suite and every process that it starts. The service is the real
 * one but for two things: its chains are those of `workload-chains.ts`, and a stop point that has killed once is over, so
 * that the process which comes next does not die of it as well.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const replaced = new URL('../../src/node/definitions.ts', import.meta.url).href;
const replacement = new URL('./workload-chains.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    return resolved.url === replaced ? { ...resolved, url: replacement } : resolved;
  },
});

if (process.env.LINEKEEPER_STOP_POINT_LOG && textOf(process.env.LINEKEEPER_STOP_POINT_LOG) !== '') {
  delete process.env.LINEKEEPER_STOP_POINT;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
