/**
 * The allowances of the contracts, small enough to be used up in every cycle: those of calls within days, so that the
 * calls placed on purpose later in the month are priced by the tariff.
 */
import type { AllowanceForm } from '../allowance-form.ts';

const national = ['national-fixed', 'national-mobile'];
const data = { categories: ['data-national', 'data-eu'], zones: ['home', 'eu'] };
const euCalls = { categories: [...national, 'roaming-eu-mo', 'roaming-eu-mt'], zones: ['home', 'eu'] };

/** Of "KPN zakelijk": calls and data for all together, messages for each. */
export function zakelijkAllowances(subscribers: number): AllowanceForm[] {
  return [
    { name: 'calls', kind: 'voice', amount: 4 * subscribers, unit: 'min', shared: true, scope: euCalls },
    {
      name: 'data',
      kind: 'data',
      amount: 150 * subscribers,
      unit: 'MB',
      shared: true,
      scope: data,
      fairUse: { monthlyPrice: '0.001', zones: ['eu'] },
    },
    {
      name: 'messages',
      kind: 'sms',
      amount: 7,
      unit: 'messages',
      scope: { categories: ['sms'], zones: ['home', 'eu'] },
    },
  ];
}

/** Of "KPN zakelijk flex": calls for each, counted by the minute; data from mid-April on comes after what one has oneself. */
export function flexAllowances(subscribers: number): AllowanceForm[] {
  return [
    { name: 'calls', kind: 'voice', amount: 9, unit: 'min', increment: 60, scope: { categories: national } },
    {
      name: 'data',
      kind: 'data',
      amount: 40 * subscribers,
      unit: 'MiB',
      shared: true,
      validFrom: '2026-04-12',
      scope: { categories: ['data-national'] },
    },
  ];
}

/** Of T_MOBILE: calls and data for all together, also in the EU, messages for each. */
export function mobileAllowances(subscribers: number): AllowanceForm[] {
  return [
    { name: 'calls', kind: 'voice', amount: 3 * subscribers, unit: 'min', shared: true, scope: euCalls },
    {
      name: 'data',
      kind: 'data',
      amount: 90 * subscribers,
      unit: 'MB',
      shared: true,
      scope: data,
      fairUse: { monthlyPrice: '0.002', zones: ['eu'] },
    },
    {
      name: 'messages',
      kind: 'sms',
      amount: 4,
      unit: 'messages',
      scope: { categories: ['sms'], zones: ['home', 'eu'] },
    },
  ];
}

/** Of RoutIT's end customers, who sell no data: calls for each, by the half minute, and messages for all together. */
export function resoldAllowances(subscribers: number): AllowanceForm[] {
  return [
    { name: 'calls', kind: 'voice', amount: 7, unit: 'min', increment: 30, scope: { categories: national } },
    {
      name: 'messages',
      kind: 'sms',
      amount: 3 * subscribers,
      unit: 'messages',
      shared: true,
      scope: { categories: ['sms'] },
    },
  ];
}

/** A pass of one subscriber, before everything else. */
export const dataPass: AllowanceForm = {
  name: 'pass',
  kind: 'data',
  amount: 123_457,
  unit: 'octets',
  priority: 5,
  increment: 1_000_000,
  scope: data,
};
