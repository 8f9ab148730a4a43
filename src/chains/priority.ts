/** Of chains: the lower number is claimed first. */

export const priorities = { critical: 0, high: 1, normal: 2, low: 3 } as const;
export type Priority = keyof typeof priorities;
