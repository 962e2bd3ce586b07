/** What somebody wants of a trigger cannot be; the message is for them. */
export class TriggerError extends Error {
  readonly code: keyof typeof statuses;
  readonly statusCode: number;

  constructor(code: TriggerError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TriggerError';
    this.code = code;
    this.statusCode = statuses[code];
  }
}

const statuses = {
  SCHEDULE_INVALID: 400,
  PACKAGE_UNREADABLE: 502,
  TRIGGER_LIMIT: 409,
  TRIGGER_UNKNOWN: 404,
  UPSTREAM_UNKNOWN: 404,
} as const;
