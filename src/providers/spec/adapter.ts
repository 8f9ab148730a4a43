/**
 * A provider as data: how its files or pages are found, when one of them is whole, which commands its chain has, and how
 * hard it may be asked. The interpreter reads nothing else, so a provider is added by writing such a document
 * (docs/providers.md). Where to connect, and with which credential, is a profile's `transport`, not the provider's.
 */
import { z } from 'zod';
import { closedObject } from '../../telecom/document-problem.ts';
import { discoverSpec } from './discover.ts';
import { layoutSpec } from './layout-spec.ts';

/** What a command of a chain may do, in the order in which a chain must do them. */
export const verbs = ['fetch', 'import', 'rate', 'totals'] as const;
export type Verb = (typeof verbs)[number];

/** What one command can do in one transaction: it either brings records in, or makes totals of them. */
const together: readonly string[] = ['fetch', 'import', 'rate', 'totals', 'fetch import', 'rate totals'];

const step = closedObject({
  name: z.string().regex(/^[a-z][a-z0-9.-]{0,62}$/, 'must be 1 to 63 of a-z 0-9 . - and begin with a letter'),
  does: z
    .array(z.enum(verbs, { error: `must be one of ${verbs.join(', ')}` }))
    .refine((does) => together.includes(does.join(' ')), {
      error: `must be one of ${together.map((does) => JSON.stringify(does.split(' '))).join(', ')}`,
    }),
  /** Without progress for so long the step is aborted. Default: `chains.stepDeadlineMs`. */
  deadlineMs: z.int().min(1_000).max(86_400_000).optional(),
  /** A provider that stays away for so long makes the chain a dead letter. Default: that of the limits. */
  giveUpAfterMs: z
    .int()
    .min(60_000)
    .max(31 * 86_400_000)
    .optional(),
});

const chain = closedObject({
  name: z.string().regex(/^[a-z][a-z0-9.-]{0,62}$/, 'must be 1 to 63 of a-z 0-9 . - and begin with a letter'),
  /** Give it the next number when stored chains must not go on with the new steps. */
  version: z.int().min(1).max(32_000).default(1),
  steps: z
    .array(step)
    .min(1, 'must have a step')
    .refine((steps) => steps.flatMap(({ does }) => does).join(' ') === verbs.join(' '), {
      error: `must do ${verbs.join(', ')}, each once and in this order`,
    }),
});

/** How hard the provider may be asked; by all nodes together, unless said otherwise. */
export const limitsSpec = closedObject({
  /** Sessions at once from one node. Default: `providers.sftp.maxSessions`. */
  maxSessions: z.int().min(1).max(100).optional(),
  /** Commands at once with one credential, on all nodes together. Default: as many as there are sessions. */
  sessionsPerCredential: z.int().min(1).max(100).optional(),
  /** Requests a second, and how many of them may come at once. Default: not limited. */
  requestsPerSecond: z.number().min(0.01).max(1_000).optional(),
  burst: z.int().min(1).max(10_000).default(10),
  /** So many failures in a row, and the provider is left alone for so long; then one session tries. */
  breaker: closedObject({
    failures: z.int().min(1).max(1_000).default(5),
    openMs: z.int().min(100).max(3_600_000).default(60_000),
  }).prefault({}),
  giveUpAfterMs: z
    .int()
    .min(60_000)
    .max(31 * 86_400_000)
    .default(86_400_000),
});
export type LimitsSpec = z.output<typeof limitsSpec>;

export const adapterSpec = closedObject({
  syncType: z.string().regex(/^[A-Z][A-Z0-9_]{0,62}$/, 'must be 1 to 63 of A-Z 0-9 _ and begin with a letter'),
  chain,
  discover: discoverSpec,
  layout: layoutSpec,
  limits: limitsSpec.prefault({}),
});
export type AdapterInput = z.input<typeof adapterSpec>;
export type Adapter = z.output<typeof adapterSpec>;
export type ChainStepSpec = Adapter['chain']['steps'][number];
