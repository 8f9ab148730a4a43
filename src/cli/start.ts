/** `linekeeper start`: the service in the foreground, until it is told to stop. Its exit code is the process's. */
import type { CliIo, CommonOptions } from './context.ts';
import { configOf } from './load-config.ts';

export async function start(io: CliIo, options: CommonOptions): Promise<number> {
  const config = configOf(io, options);
  // loaded after the configuration is known to be right: exit 78 must not depend on what the service needs
  const { runService } = await import('../main.ts');
  return runService(config, io);
}
