/** A small world of the default seed: both customers unless told otherwise, the three months of the demo. */

import type { Account } from '../../simulator/account.ts';
import type { Fault } from '../../simulator/fault-plan.ts';
import type { AccountFiles } from '../../simulator/faults.ts';
import { createWorld, filesOf, type World } from '../../simulator/world.ts';

export const months = ['2026-03', '2026-04', '2026-10'];

export function smallWorld(records: number, faults: Fault[] = [], customers = 2): World {
  return createWorld({ seed: 7, customers, subs: 20, months, records, faults });
}

export function accountsWithFiles(world: World): { account: Account; files: AccountFiles }[] {
  return world.accounts.map((account) => ({ account, files: filesOf(world, account) }));
}
