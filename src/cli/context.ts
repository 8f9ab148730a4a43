/** What a command gets from outside, so that tests run it as the terminal does. */
import type { Writable } from 'node:stream';

export interface CliIo {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: Record<string, string | undefined>;
  readonly cwd: string;
  /** Monotonic milliseconds. */
  nowMs(): number;
  sleep(delayMs: number): Promise<void>;
  /** Calls back, instead of ending the process, when it is told to stop. Returns the way back. */
  onStopSignal(told: () => void): () => void;
}

/** Options that every command takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly config?: string;
}

/** Of commands that talk to the service. */
export interface ServiceOptions extends CommonOptions {
  readonly socket?: string;
}

/** A command's module: runs it and resolves to its exit code, or throws `CliError`. */
export interface CommandModule<Args extends readonly unknown[]> {
  run(io: CliIo, ...args: Args): Promise<number>;
}
