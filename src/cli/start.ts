/**
 * `linekeeper start`: the service in the foreground, until it is told to stop. Its exit code is the process's. A module of
 * the service that does not load is a failed boot like any other: it is in the boot record, and it waits.
 */
import { resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { ServiceIo } from '../process/service-io.ts';
import type { CliIo, CommonOptions } from './context.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { failedStart } from './failed-start.ts';
import { configOf } from './load-config.ts';

export interface StartOptions extends CommonOptions {
  /** More than one: a primary and so many node processes. */
  readonly processes?: number;
  /** This is one of those, with this index; its primary says everything else. */
  readonly node?: number;
}

export async function start(io: CliIo, options: StartOptions): Promise<number> {
  if (options.node !== undefined) return startNode(io);
  const config = configOf(io, options, options.processes === undefined ? {} : { processes: options.processes });
  let run: (config: Config, io: ServiceIo) => Promise<number>;
  try {
    // loaded after the configuration is known to be right: exit 78 must not depend on what the service needs
    run = config.processes > 1 ? (await import('../primary.ts')).runPrimary : (await import('../main.ts')).runService;
  } catch (error) {
    const code = failedStart(error, io);
    // this too may not load; then whoever starts the process has to wait
    const boot = await import('../process/failed-boot.ts').catch(() => null);
    await boot?.recordFailedBoot(config, error as Error, (told) => io.onStopSignal(told)).catch(() => {});
    return code;
  }
  const configFile = options.config === undefined ? undefined : resolve(io.cwd, options.config);
  return run(config, { env: io.env, stderr: io.stderr, cwd: io.cwd, configFile });
}

/** What does not load is the primary's to count and to wait for: it hears of it by the exit code. */
async function startNode(io: CliIo): Promise<number> {
  const { joinPrimary, NoPrimaryError } = await import('../cluster/primary-link.ts');
  try {
    const link = await joinPrimary(process);
    const { runService } = await import('../main.ts');
    return await runService(link.order.config, { ...io, configFile: undefined }, link);
  } catch (error) {
    if (error instanceof NoPrimaryError) throw new CliError(exitCode.usage, error.message, { cause: error });
    process.disconnect?.();
    return failedStart(error, io);
  }
}
