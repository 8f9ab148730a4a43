/**
 * `linekeeper start`: the service in the foreground, until it is told to stop. Its exit code is the process's. A module of
 * the service that does not load is a failed boot like any other: it is in the boot record, and it waits.
 */
import { resolve } from 'node:path';
import type { CliIo, CommonOptions } from './context.ts';
import { failedStart } from './failed-start.ts';
import { configOf } from './load-config.ts';

export async function start(io: CliIo, options: CommonOptions): Promise<number> {
  const config = configOf(io, options);
  let service: typeof import('../main.ts');
  try {
    // loaded after the configuration is known to be right: exit 78 must not depend on what the service needs
    service = await import('../main.ts');
  } catch (error) {
    const code = failedStart(error, io);
    // this too may not load; then whoever starts the process has to wait
    const boot = await import('../process/failed-boot.ts').catch(() => null);
    await boot?.recordFailedBoot(config, error as Error, (told) => io.onStopSignal(told)).catch(() => {});
    return code;
  }
  const configFile = options.config === undefined ? undefined : resolve(io.cwd, options.config);
  return service.runService(config, { env: io.env, stderr: io.stderr, cwd: io.cwd, configFile });
}
