/** Every exit code of the command line, with its meaning; docs/cli.md shows the same table (a test compares them). */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 69,
  gaveUp: 70,
  recycle: 75,
  configuration: 78,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

export const exitCodeMeanings: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'what was asked for failed, or something in the request is not known',
  2: 'the command line is wrong',
  69: 'no service listens on the admin socket, or something to run with is missing',
  70: 'supervision gave up; the process supervisor starts it again',
  75: 'the process ended to be started again: recycled, or a new release',
  78: 'the configuration was read completely and is wrong',
};

/** Ends a command with a code and one message for a person. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  constructor(code: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = code;
  }
}
