/** The providers behind HTTP, served together: one port, one clock, one fault plan, one control. */
import type { ContractForm } from '../account.ts';
import type { Calendar } from '../calendar.ts';
import type { Rating } from '../evaluator/rate.ts';
import { tariffBook } from '../evaluator/tariff-book.ts';
import { wallClock } from '../evaluator/wall-clock.ts';
import { routItFaults } from '../routit/endpoints.ts';
import { routItProvider, routItTariffs } from '../routit/provider.ts';
import { tMobileFaults } from '../t-mobile/endpoints.ts';
import { tMobileProvider, tMobileTariff } from '../t-mobile/provider.ts';
import type { TariffForm } from '../tariff-form.ts';
import { type CallFault, createCallFaults, type FaultMenu } from './call-faults.ts';
import { controlEndpoints } from './control.ts';
import type { ProviderPlan, SimulatedProvider } from './provider.ts';
import { type CallCounts, type HttpServer, startHttpServer } from './server.ts';

export type HttpProviderName = 'T_MOBILE' | 'ROUTIT';

/** Every fault that a call or a document can have. */
export const callFaultMenu: FaultMenu = { ...tMobileFaults, ...routItFaults };

export interface HttpPlan {
  /** 0: any free port. */
  port: number;
  providers: readonly HttpProviderName[];
  seed: number;
  customers: number;
  subs: number;
  months: readonly string[];
  /** Of each provider. */
  records: number;
  calendar: Calendar;
  faults: readonly CallFault[];
  secrets: Readonly<Record<HttpProviderName, string>>;
  /** UTC ms. */
  nowMs(): number;
}

export interface ServedProviders {
  port: number;
  base: string;
  tariffs: TariffForm[];
  contracts: ContractForm[];
  /** What `truth.json` says of them now. */
  truth(): { cycles: unknown[] } & Record<string, unknown>;
  stop: HttpServer['stop'];
}

const nightHoursS = 4.5 * 3600;

/** Rejects when the port is taken. */
export async function serveProviders(plan: HttpPlan): Promise<ServedProviders> {
  const { calendar, months } = plan;
  const faults = createCallFaults();
  faults.add(plan.faults);
  const counts = new Map<string, CallCounts>();
  const startedMs = plan.nowMs();
  // the night after the last month, as the providers see it
  const presentS = calendar.monthRange(months.at(-1)!).toS + nightHoursS;
  let advancedS = 0;
  const clock = {
    nowS: () => presentS + advancedS + Math.floor((plan.nowMs() - startedMs) / 1000),
    advancedS: () => advancedS,
  };
  const timeZone = calendar.timeZone;
  const tariffs = { T_MOBILE: [tMobileTariff(timeZone)], ROUTIT: routItTariffs(timeZone) };
  const chosen = plan.providers.flatMap((name) => tariffs[name]);
  const rating: Rating = { book: tariffBook(chosen), clock: wallClock(timeZone) };
  const providerPlan = (name: HttpProviderName): ProviderPlan => ({
    ...plan,
    rating,
    faults,
    clock,
    secret: plan.secrets[name],
    share: (customer, month) => shareOf(plan, customer * months.length + month),
  });
  const make = { T_MOBILE: tMobileProvider, ROUTIT: routItProvider };
  const providers = plan.providers.map((name): SimulatedProvider => make[name](providerPlan(name)));
  const truth = () => ({
    ...Object.assign({}, ...providers.map((provider) => provider.truth())),
    cycles: providers.flatMap((provider) => provider.cycles()),
  });
  const control = controlEndpoints({
    faults,
    menu: Object.assign({}, ...providers.map(({ menu }) => menu)),
    counts,
    advance: (seconds) => {
      advancedS += seconds;
    },
    orders: Object.assign({}, ...providers.map(({ orders }) => orders)),
    truth,
  });
  const server = await startHttpServer(plan.port, faults, counts, (base) => [
    ...control,
    ...providers.flatMap((provider) => provider.endpoints(base)),
  ]);
  const base = `http://127.0.0.1:${server.port}`;
  return {
    port: server.port,
    base,
    tariffs: chosen,
    contracts: providers.flatMap((provider) => provider.contracts(base)),
    truth,
    stop: server.stop,
  };
}

/** The first get one more when it does not divide. */
function shareOf({ records, customers, months }: HttpPlan, position: number): number {
  const files = customers * months.length;
  return Math.floor(records / files) + (position < records % files ? 1 : 0);
}
