/** Who is simulated: customers with one account each, their subscribers, and the form that `customers.json` takes. */
import { join } from 'node:path';
import type { AllowanceForm } from './allowance-form.ts';
import { formerSubscriber, subscriberNumbers } from './numbers.ts';
import { seededRandom } from './random.ts';
import { tariffOfCustomer } from './tariffs/catalogue.ts';

export interface Account {
  /** 0-based; customer `C001` has 0. */
  index: number;
  customer: string;
  name: string;
  /** 10 digits. */
  account: string;
  tariff: string;
  timeZone: string;
  /** First day of the contract. */
  validFrom: string;
  subscribers: { msisdn: string; costCentre: string; allowances?: AllowanceForm[] }[];
  /** Of the contract. */
  allowances?: AllowanceForm[];
}

/** Where profiles of the odd customers (C001, C003, ...) fetch their files when the simulator serves SFTP. */
export interface SftpAccess {
  host: string;
  port: number;
  user: string;
  passwordEnv: string;
  hostKeySha256: string;
}

const names = ['Bakkerij Jansen', 'Garage De Vries', 'Café Ünal', 'Bouwbedrijf Smit', 'Praktijk Zuid'];
const costCentres = ['sales', 'service', 'management', 'workshop'];

/** What differs between the accounts that the same customers have with several providers. */
export interface AccountPlan {
  /** Of the random numbers behind subscribers. */
  label: string;
  firstAccount: number;
  tariffOf: (index: number) => string;
}

const sp16Accounts: AccountPlan = { label: 'subscribers', firstAccount: 101, tariffOf: tariffOfCustomer };

/** `subs` is the total; the first customers get one more when it does not divide. */
export function accounts(
  { seed, customers, subs, months }: { seed: number; customers: number; subs: number; months: readonly string[] },
  timeZone: string,
  plan: AccountPlan = sp16Accounts,
): Account[] {
  const random = seededRandom(seed, plan.label);
  const numbers = subscriberNumbers(random, subs);
  return Array.from({ length: customers }, (_, index) => ({
    index,
    customer: `C${String(index + 1).padStart(3, '0')}`,
    name: `${names[index % names.length]}${index < names.length ? '' : ` ${index + 1}`}`,
    account: String(plan.firstAccount + index).padStart(10, '0'),
    tariff: plan.tariffOf(index),
    timeZone,
    validFrom: `${months[0]}-01`,
    subscribers: numbers
      .filter((_number, position) => position % customers === index)
      .map((msisdn) => ({ msisdn, costCentre: random.pick(costCentres) })),
  }));
}

/** A contract as `customers.json` tells it, and whose it is. */
export interface ContractForm {
  customer: string;
  name: string;
  contract: unknown;
}

export function contractForm(
  account: Omit<Account, 'subscribers'> & { subscribers: readonly unknown[] },
  provider: string,
  profiles: readonly unknown[],
): ContractForm {
  return {
    customer: account.customer,
    name: account.name,
    contract: {
      provider,
      account: account.account,
      tariff: account.tariff,
      cycleDay: 1,
      timeZone: account.timeZone,
      validFrom: account.validFrom,
      subscriptions: account.subscribers,
      ...(account.allowances !== undefined && { allowances: account.allowances }),
      profiles,
    },
  };
}

export function sp16Contract(account: Account, dropsDirectory: string, sftp: SftpAccess | null): ContractForm {
  const transport =
    sftp !== null && account.index % 2 === 0
      ? sftpTransport(sftp, account)
      : { kind: 'directory', dir: join(dropsDirectory, account.account) };
  const profile = { name: 'sp16', syncType: 'KPN_SP16', everyMinutes: 60, transport };
  // nobody calls from it any more, and an invoice still has a fee for it
  const former = { msisdn: formerSubscriber(account.index), validTo: '2020-01-01' };
  return contractForm({ ...account, subscribers: [...account.subscribers, former] }, 'KPN', [profile]);
}

/** Customers in the order in which they first appear, each with all contracts of its code. */
export function customersForm(contracts: readonly ContractForm[]): unknown {
  const codes = [...new Set(contracts.map(({ customer }) => customer))];
  return {
    customers: codes.map((code) => {
      const mine = contracts.filter(({ customer }) => customer === code);
      return { code, name: mine[0]?.name, numberMask: 4, contracts: mine.map(({ contract }) => contract) };
    }),
  };
}

function sftpTransport(sftp: SftpAccess, account: Account): unknown {
  return {
    kind: 'sftp',
    host: sftp.host,
    port: sftp.port,
    user: sftp.user,
    dir: `/${account.account}`,
    password: { env: sftp.passwordEnv },
    hostKeySha256: sftp.hostKeySha256,
  };
}
