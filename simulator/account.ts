/** Who is simulated: customers with one account each, their subscribers, and the form that `customers.json` takes. */
import { join } from 'node:path';
import { subscriberNumbers } from './numbers.ts';
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
  subscribers: { msisdn: string; costCentre: string }[];
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

/** `subscriptions` is the total; the first customers get one more when it does not divide. */
export function accounts(seed: number, customers: number, subscriptions: number, timeZone: string): Account[] {
  const random = seededRandom(seed, 'subscribers');
  const numbers = subscriberNumbers(random, subscriptions);
  return Array.from({ length: customers }, (_, index) => ({
    index,
    customer: `C${String(index + 1).padStart(3, '0')}`,
    name: `${names[index % names.length]}${index < names.length ? '' : ` ${index + 1}`}`,
    account: String(101 + index).padStart(10, '0'),
    tariff: tariffOfCustomer(index),
    timeZone,
    subscribers: numbers
      .filter((_number, position) => position % customers === index)
      .map((msisdn) => ({ msisdn, costCentre: random.pick(costCentres) })),
  }));
}

export function customersForm(list: readonly Account[], dropsDirectory: string, sftp: SftpAccess | null): unknown {
  return {
    customers: list.map((account) => ({
      code: account.customer,
      name: account.name,
      numberMask: 4,
      contracts: [
        {
          provider: 'KPN',
          account: account.account,
          tariff: account.tariff,
          cycleDay: 1,
          timeZone: account.timeZone,
          subscriptions: account.subscribers,
          profiles: [
            {
              name: 'sp16',
              syncType: 'KPN_SP16',
              everyMinutes: 60,
              transport:
                sftp !== null && account.index % 2 === 0
                  ? sftpTransport(sftp, account)
                  : { kind: 'directory', dir: join(dropsDirectory, account.account) },
            },
          ],
        },
      ],
    })),
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
