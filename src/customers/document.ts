/** The JSON form in which customers, contracts, subscriptions and sync profiles are told to the service. */
import { z } from 'zod';
import { retentionSchema } from '../privacy/retention.ts';
import { transportSchema } from '../providers/transports/open-transport.ts';
import { allowanceSchema } from '../telecom/allowance-document.ts';
import { dateSchema } from '../telecom/date-schema.ts';
import { closedObject } from '../telecom/document-problem.ts';

const code = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be 1 to 63 of A-Z a-z 0-9 . _ -');

export const timeZone = z.string().refine((zone) => {
  try {
    Temporal.Now.zonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}, 'must be an IANA time zone such as Europe/Amsterdam');

/** Both first days: of it, and after it. */
const term = {
  validFrom: dateSchema('must be a date such as 2026-03-01').optional(),
  validTo: dateSchema('must be a date such as 2026-04-01, the first day after it').optional(),
};
type Term = { readonly [name in keyof typeof term]?: string | undefined };
const endsAfterItBegins = ({ validFrom = '', validTo = '9999-12-31' }: Term) => validFrom < validTo;
const endsTooEarly = { message: 'must be after validFrom', path: ['validTo'] };

const profile = closedObject({
  name: code,
  // any word: an unknown one is the router's business, which stores and alerts it
  syncType: z.string().min(1).max(63),
  everyMinutes: z.int().min(5).max(44_640).default(60),
  lateDays: z.int().min(0).max(90).default(10),
  enabled: z.boolean().default(true),
  /** First day whose usage is wanted, for providers that are asked by time. Default: three months back. */
  since: dateSchema('must be a date such as 2026-03-01').optional(),
  // what the alert rules of docs/alerts.md ask for
  fileEveryDays: z.int().min(1).max(366).default(31),
  credentialNotAfter: dateSchema('must be a date such as 2027-01-31').optional(),
  transport: transportSchema,
});

const subscription = closedObject({
  msisdn: z.string().regex(/^[1-9][0-9]{6,14}$/, 'must be E.164 digits without +'),
  costCentre: z.string().max(100).optional(),
  employee: z.string().max(100).optional(),
  productCode: z.string().max(100).optional(),
  iccid: z
    .string()
    .regex(/^89[0-9]{16,18}$/, 'must be the 18 to 20 digits of a SIM card, which begin with 89')
    .optional(),
  ...term,
  allowances: z
    .array(
      allowanceSchema.refine((allowance) => !allowance.shared, {
        path: ['shared'],
        message: 'must be false here; write a shared allowance with the contract',
      }),
    )
    .default([]),
}).refine(endsAfterItBegins, endsTooEarly);

const contract = closedObject({
  provider: code,
  account: z.string().regex(/^[0-9]{1,10}$/, 'must be up to 10 digits'),
  tariff: code.optional(),
  cycleDay: z.int().min(1).max(31).default(1),
  timeZone: timeZone.default('Europe/Amsterdam'),
  /** What was used outside of it is not this contract's (F12). */
  ...term,
  guard: closedObject({
    amountFallPercent: z.int().min(0).max(100).default(30),
    recordsFallPercent: z.int().min(0).max(100).default(5),
  }).default({ amountFallPercent: 30, recordsFallPercent: 5 }),
  subscriptions: z.array(subscription).default([]),
  allowances: z.array(allowanceSchema).default([]),
  profiles: z.array(profile).default([]),
}).refine(endsAfterItBegins, endsTooEarly);

const customer = closedObject({
  code,
  name: z.string().min(1).max(200),
  numberMask: z.int().min(3).max(6).default(4),
  // what is left out has its default (docs/retention.md)
  retention: retentionSchema.default({}),
  contracts: z.array(contract).default([]),
});

export const customersDocument = closedObject({
  customers: z.array(customer, 'must be a list of customers').min(1, 'must name at least one customer'),
});
export type CustomersDocument = z.infer<typeof customersDocument>;
export type CustomerEntry = CustomersDocument['customers'][number];
export type ContractEntry = CustomerEntry['contracts'][number];
