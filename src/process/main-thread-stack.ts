/**
 * Where the main thread is right now, asked from another thread through the inspector, which can interrupt JavaScript that
 * never returns. Code that waits inside Node itself (a synchronous read, `Atomics.wait`) cannot be interrupted: rejects after
 * `withinMs`. The main thread stands still only for the moment of the answer.
 */
import { type Debugger, Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';

const mostFrames = 20;

export async function mainThreadStack(withinMs: number): Promise<string> {
  const session = new Session();
  session.connectToMainThread();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`the main thread runs no JavaScript that could be interrupted within ${withinMs} ms`));
  }, withinMs);
  try {
    return await Promise.race([pausedStack(session), late.promise]);
  } finally {
    clearTimeout(timer);
    // lets the main thread go on, whatever state it is in
    session.disconnect();
  }
}

async function pausedStack(session: Session): Promise<string> {
  const paused = Promise.withResolvers<Debugger.CallFrame[]>();
  // a frame's own url is empty here
  const files = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => files.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }) => paused.resolve(params.callFrames));
  await session.post('Debugger.enable');
  await session.post('Debugger.pause');
  const frames = await paused.promise;
  await session.post('Debugger.resume');
  return frames
    .slice(0, mostFrames)
    .map((frame) => words(frame, files.get(frame.location.scriptId) ?? frame.url))
    .join('\n');
}

function words({ functionName, location }: Debugger.CallFrame, url: string): string {
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  return `at ${functionName || '<anonymous>'} (${file}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`;
}
