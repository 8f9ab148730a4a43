/**
 * Rejections that nobody awaited (engine.md, "Outcomes"). One that comes out of a chain's own code is that chain's crash and
 * the process goes on; one without a chain, one of a run that is over, and the fifth within a minute end the process: it
 * cannot be trusted any more.
 */
export interface RejectionServices {
  /** The chain whose code runs in this moment's async context. */
  readonly chainId: () => string | undefined;
  /** Charges the error to the chain's run; false when it does not run here. */
  readonly crashRun: (chainId: string, error: Error) => boolean;
  readonly onFatal: (error: Error) => void;
  readonly log: { error(fields: Record<string, unknown>, message: string): void };
  readonly nowMs: () => number;
}

const most = 5;
const periodMs = 60_000;

/** For `process.on('unhandledRejection', …)`, which calls it in the async context of the promise. */
export function rejectionHandler(services: RejectionServices): (reason: unknown) => void {
  let lately: number[] = [];
  return (reason) => {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    const chainId = services.chainId();
    const now = services.nowMs();
    lately = [...lately.filter((atMs) => now - atMs < periodMs), now];
    if (chainId !== undefined && lately.length < most && services.crashRun(chainId, error)) {
      services.log.error({ chainId, error }, 'a promise of a chain was rejected and nobody awaited it');
      return;
    }
    services.onFatal(error);
  };
}
