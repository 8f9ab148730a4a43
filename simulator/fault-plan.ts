/**
 * The fault plan: a JSON list of `{ "customer"?, "month", "fault", "arg"? }`. Without `customer` every customer has the
 * fault. Each month of a customer has at most one. Throws an Error that names the entry and what would be right.
 */
const kinds = {
  F04: ['truncated', 'no-marker', 'wrong-sha'],
  F05: ['crc', 'count', 'sum'],
  F06: [],
  F07: [],
  F08: [],
  F11: [],
  F12: ['garbage', 'negative', 'future', 'before-contract', '27h'],
  F20: [],
} as const;

export type FaultCode = keyof typeof kinds;

export interface Fault {
  /** Null: every customer. */
  customer: string | null;
  month: string;
  fault: FaultCode;
  /** The variant; the first of its kind when the plan names none, empty for faults without variants. */
  variant: string;
}

export function parseFaultPlan(text: string, months: readonly string[], customers: number): Fault[] {
  const plan: unknown = JSON.parse(text);
  if (!Array.isArray(plan)) throw new Error('the plan is no JSON list');
  const faults = plan.map((entry: unknown, index) => readFault(entry, `entry ${index + 1}`, months, customers));
  faults.forEach((fault, index) => {
    const twin = faults.slice(0, index).find((other) => overlaps(fault, other));
    if (twin !== undefined) throw new Error(`entry ${index + 1}: ${fault.month} already has ${twin.fault}`);
  });
  return faults;
}

export function faultOf(faults: readonly Fault[], customer: string, month: string): Fault | undefined {
  return faults.find((fault) => fault.month === month && (fault.customer === null || fault.customer === customer));
}

function readFault(entry: unknown, where: string, months: readonly string[], customers: number): Fault {
  if (typeof entry !== 'object' || entry === null) throw new Error(`${where} is no object`);
  const { customer = null, month, fault, arg, ...rest } = entry as Record<string, unknown>;
  const surplus = Object.keys(rest)[0];
  if (surplus !== undefined) throw new Error(`${where}: unknown key "${surplus}"`);
  if (typeof fault !== 'string' || !isFaultCode(fault)) {
    throw new Error(`${where}: "fault" is ${JSON.stringify(fault)}, not one of ${Object.keys(kinds).join(', ')}`);
  }
  if (typeof month !== 'string' || !months.includes(month)) {
    throw new Error(`${where}: "month" is ${JSON.stringify(month)}, not one of the simulated ${months.join(', ')}`);
  }
  if (customer !== null && (typeof customer !== 'string' || !isCustomer(customer, customers))) {
    throw new Error(
      `${where}: "customer" is ${JSON.stringify(customer)}, not one of C001 and the ${customers - 1} after it`,
    );
  }
  const variants: readonly string[] = kinds[fault];
  const variant = arg ?? variants[0] ?? '';
  if (typeof variant !== 'string' || (arg !== undefined && !variants.includes(variant))) {
    throw new Error(
      `${where}: "arg" of ${fault} is ${JSON.stringify(arg)}, not one of ${variants.join(', ') || '(none)'}`,
    );
  }
  return { customer, month, fault, variant };
}

function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(kinds, text);
}

function isCustomer(code: string, customers: number): boolean {
  const number = Number(code.slice(1));
  return /^C\d{3}$/.test(code) && number >= 1 && number <= customers;
}

function overlaps(a: Fault, b: Fault): boolean {
  return a.month === b.month && (a.customer === null || b.customer === null || a.customer === b.customer);
}
