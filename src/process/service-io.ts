/** What a service process is given; the command line's own context fits, but for `configFile`. */
export interface ServiceIo {
  /** What names the service manager is taken out of it: children and threads must not speak for this process. */
  readonly env: Record<string, string | undefined>;
  /** One plain line when the service ends because something is wrong. */
  readonly stderr: { write(text: string): unknown };
  readonly cwd: string;
  /** The value of `--config`, absolute: a new release is checked with it. */
  readonly configFile: string | undefined;
}
