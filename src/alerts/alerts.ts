/** Contract of alerts; see `openAlerts`. */
export interface AlertInput {
  /** Stable rule name such as `routing.unknown-type`. */
  readonly rule: string;
  /** What it is about, such as `profile 12`; rule + subject is what is deduplicated. Nothing personal. */
  readonly subject: string;
  readonly level: 'info' | 'warning' | 'critical';
  readonly message: string;
  readonly detail?: Record<string, unknown>;
  /** No reminders: told once, and again when it is raised with another detail. For what may well stay until somebody finds the time. */
  readonly once?: boolean;
}

export interface Alerts {
  /** Never throws and never waits for a channel: stored as a row, or in the state directory while the database is away. */
  raise(alert: AlertInput): void;
  resolve(rule: string, subject: string): void;
  /** Settles when everything raised so far is stored and has been offered to the channels; bounded by `deadlineMs`. */
  flush(deadlineMs: number): Promise<void>;
}
