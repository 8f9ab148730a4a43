/** Callers that each wait for their answer before they call again, for a while. */
import type { Enqueued } from './protocol.ts';

/** `call` resolves to how many it made. What was under way at the end is waited for and counted, with its time. */
export async function callers(
  order: { readonly ms: number; readonly callers: number },
  call: () => Promise<number>,
): Promise<Enqueued> {
  const beganMs = performance.now();
  let made = 0;
  const one = async () => {
    while (performance.now() - beganMs < order.ms) {
      // not `made += await …`, which would add to what was there before the wait
      const more = await call();
      made += more;
    }
  };
  await Promise.all(Array.from({ length: order.callers }, one));
  return { made, ms: performance.now() - beganMs };
}
