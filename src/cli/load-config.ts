/** The configuration of this command line; `ConfigError` (exit 78) lists everything that is wrong with it. */
import { loadConfig } from '../config/load.ts';
import type { Config, ConfigInput } from '../config/schema.ts';
import type { CliIo, CommonOptions } from './context.ts';

export function configOf(io: CliIo, options: CommonOptions, overrides: ConfigInput = {}): Config {
  const file = options.config === undefined ? {} : { file: options.config };
  return loadConfig({ ...file, env: io.env, cwd: io.cwd, overrides });
}
