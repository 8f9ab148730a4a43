/** The whole configuration: every key, its bounds, its default and what it does. Nothing else is accepted. */
import { z } from 'zod';
import { secretOrText } from './secret.ts';

const count = (least: number, most: number) => z.int().min(least).max(most);
const path = () => z.string().min(1);
const hostName = z
  .string()
  .regex(/^[^\s,@?#]+$/, 'expected a host name, an address or the directory of a socket')
  .describe('a host');

export const configSchema = z.strictObject({
  stateDirectory: path()
    .default('.linekeeper')
    .describe(
      'Where this installation keeps its state: archive, embedded database, admin socket. One process at a time owns it. Relative to the configuration file, else to the working directory.',
    ),
  processes: count(1, 64)
    .default(1)
    .describe(
      'How many node processes do the work. More than one run under a primary process that keeps them running and has the admin socket.',
    ),
  dependencyGiveUpMs: count(1_000, 86_400_000)
    .default(1_800_000)
    .describe('How long a database that was there may be away before the process exits with code 70, once.'),
  crashLoop: z
    .strictObject({
      healthyAfterMs: count(100, 86_400_000)
        .default(60_000)
        .describe('A node that has worked for this long is healthy; its crash loop is over.'),
      baseMs: count(0, 3_600_000)
        .default(1_000)
        .describe(
          'How long a node waits before it takes work after three deaths in a row; doubled by each further one.',
        ),
      capMs: count(0, 86_400_000).default(300_000).describe('The longest such wait.'),
    })
    .prefault({}),
  watchdog: z
    .strictObject({
      intervalMs: count(10, 60_000)
        .default(1_000)
        .describe('How often the watchdog looks whether the event loop turns.'),
      deadlineMs: count(0, 86_400_000)
        .default(30_000)
        .describe(
          'An event loop that is blocked for this long ends the process; half of it is reported. 0: no watchdog.',
        ),
    })
    .prefault({}),
  recycle: z
    .strictObject({
      afterChains: count(1, 1_000_000_000)
        .optional()
        .describe('After so many chains the node drains and exits 75, to be started anew.'),
      afterMs: count(1_000, 31_536_000_000).optional().describe('The same after so long.'),
      aboveMemoryMb: count(64, 1_048_576)
        .optional()
        .describe('The same when the process (without its children) holds more memory.'),
    })
    .prefault({}),
  release: z
    .strictObject({
      current: path()
        .optional()
        .describe(
          'The link that leads to the release that is wanted. Default: the path through which the service was started.',
        ),
    })
    .prefault({}),
  database: z
    .strictObject({
      url: secretOrText
        .optional()
        .describe(
          'PostgreSQL 15 or newer, reached directly, as postgres://user@host/name. Also DATABASE_URL. Without it the embedded PostgreSQL runs.',
        ),
      hosts: z
        .array(z.strictObject({ host: hostName, port: count(1, 65_535).default(5432) }))
        .min(1)
        .max(16)
        .optional()
        .describe(
          'Where that database may be: a primary and its standbys, tried in this order, instead of the host in the URL. In the variable as db1:5432,db2:5432.',
        ),
      poolSize: count(4, 500).default(20).describe('Most sessions that this process opens for work.'),
    })
    .prefault({}),
  redis: z
    .strictObject({
      url: secretOrText
        .optional()
        .describe(
          'Redis 7 or newer, or a node of a Redis Cluster, as redis://user:password@host or rediss://. Also REDIS_URL. It carries hints between nodes; without it only the processes of one primary hear each other.',
        ),
      prefix: z
        .string()
        .regex(/^[A-Za-z0-9_.:-]{1,64}$/, 'expected 1 to 64 letters, digits, or any of _ . : -')
        .default('linekeeper')
        .describe("The beginning of this application's keys in Redis. One application owns it."),
    })
    .prefault({}),
  chains: z
    .strictObject({
      lanes: count(1, 1_024).default(64).describe('How many steps run at once.'),
      leaseMs: count(500, 600_000)
        .default(6_000)
        .describe('A node whose heartbeat stands still for this long is dead, and its chains go on elsewhere.'),
      beatMs: count(100, 200_000).default(2_000).describe('Time between two heartbeats; at most a third of leaseMs.'),
      stepDeadlineMs: count(1_000, 86_400_000)
        .default(900_000)
        .describe('A step that makes no progress for this long is aborted and counts as a crash.'),
      sweepMs: count(10, 60_000).default(250).describe('How often ready chains are searched without any signal.'),
      keepFinishedMs: count(1_000, 31_536_000_000)
        .default(3_600_000)
        .describe('How long a chain that has ended stays among those that run; then it is carried into history.'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      chainDays: count(1, 36_500)
        .default(90)
        .describe(
          'How long ended chains, logs of steps, schedule slots, routing decisions and resolved alerts are kept.',
        ),
      auditDays: count(1, 36_500).default(400).describe('How long is kept who did what by the command line.'),
    })
    .prefault({}),
  compute: z
    .strictObject({
      threads: count(1, 256).optional().describe('Threads that decode and rate. Default: one per core.'),
      taskMemoryMb: count(64, 65_536)
        .default(512)
        .describe('Heap of one such thread; a task beyond it fails its step.'),
      tasksPerThread: count(1, 1_000_000).default(1_000).describe('A thread is replaced after this many tasks.'),
      threadAgeMs: count(1_000, 31_536_000_000)
        .default(86_400_000)
        .describe('And, between tasks, when it is this old; each at 75 to 100 % of it, so that not all go at once.'),
      threadHeapMb: count(16, 65_536)
        .optional()
        .describe('And when a task left so much heap in use behind it. Default: three quarters of taskMemoryMb.'),
    })
    .prefault({}),
  admin: z
    .strictObject({
      socket: path().optional().describe('The admin socket. Default: admin.sock in the state directory.'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        .default('info')
        .describe('Least level that is logged.'),
    })
    .prefault({}),
  alerts: z
    .strictObject({
      webhook: z
        .strictObject({
          url: secretOrText.optional().describe('Every alert is posted here as JSON. Without it nobody is told.'),
        })
        .prefault({}),
      file: path()
        .optional()
        .describe(
          'Alerts while the database is away, one JSON object a line. Default: alerts.jsonl in the state directory.',
        ),
    })
    .prefault({}),
  providers: z
    .strictObject({
      directory: path()
        .optional()
        .describe('Descriptions of providers of your own, one *.json each (docs/providers.md). Read at start.'),
      sftp: z
        .strictObject({
          maxSessions: count(1, 100).default(4).describe('Most SFTP sessions at once to one host.'),
        })
        .prefault({}),
    })
    .prefault({}),
  archive: z
    .strictObject({
      directory: path()
        .optional()
        .describe(
          'Raw files by their hash; all nodes of a database share it. Default: archive in the state directory.',
        ),
    })
    .prefault({}),
});

export type ConfigInput = z.input<typeof configSchema>;
type Parsed = z.output<typeof configSchema>;

/** Complete: paths are absolute and nothing is left to be defaulted. Secrets are still references. */
export interface Config extends Parsed {
  readonly compute: Parsed['compute'] & { readonly threads: number };
  readonly admin: { readonly socket: string };
  readonly alerts: Parsed['alerts'] & { readonly file: string };
  readonly archive: { readonly directory: string };
  readonly release: { readonly current: string | undefined };
}
