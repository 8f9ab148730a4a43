/** What a provider behind HTTP is made from, and what it gives to the simulator. */
import type { ContractForm } from '../account.ts';
import type { Calendar } from '../calendar.ts';
import type { Rating } from '../evaluator/rate.ts';
import type { TariffForm } from '../tariff-form.ts';
import type { CycleTruth } from '../truth.ts';
import type { CallFaults, FaultMenu } from './call-faults.ts';
import type { Endpoint } from './server.ts';

/** The clock that the providers go by: UTC seconds from the simulated present on. */
export interface ProviderClock {
  nowS(): number;
  /** What `advance-clock` added so far. */
  advancedS(): number;
}

export interface ProviderPlan {
  seed: number;
  customers: number;
  subs: number;
  months: readonly string[];
  records: number;
  calendar: Calendar;
  rating: Rating;
  faults: CallFaults;
  clock: ProviderClock;
  /** What the provider asks for: a client's secret or a password. */
  secret: string;
  /** Records of one customer in one month: `records`, spread evenly. */
  share(customer: number, month: number): number;
}

export interface SimulatedProvider {
  name: string;
  menu: FaultMenu;
  tariffs: readonly TariffForm[];
  contracts(base: string): readonly ContractForm[];
  endpoints(base: string): readonly Endpoint[];
  /** What its cycles must be now. */
  cycles(): readonly (CycleTruth & { provider: string })[];
  /** What else of it is to be known, beside the cycles. */
  truth(): Readonly<Record<string, unknown>>;
  orders: Readonly<Record<string, (order: Readonly<Record<string, unknown>>) => unknown>>;
}
