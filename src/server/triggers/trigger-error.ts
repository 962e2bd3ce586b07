/** What somebody wants of a trigger cannot be; the message is for them. */
export class TriggerError extends Error {
  readonly code: keyof typeof statuses;
  readonly statusCode: number;
  readonly hint: string | undefined;

  constructor(
    code: TriggerError['code'],
    message: string,
    { hint, ...options }: ErrorOptions & { readonly hint?: string | undefined } = {},
  ) {
    super(message, options);
    this.name = 'TriggerError';
    this.code = code;
    this.statusCode = statuses[code];
    this.hint = hint;
  }
}

const statuses = {
  SCHEDULE_INVALID: 400,
  PACKAGE_UNREADABLE: 502,
  TRIGGER_LIMIT: 409,
  TRIGGER_UNKNOWN: 404,
  TRIGGER_REF_UNKNOWN: 409,
  UPSTREAM_UNKNOWN: 404,
  UPSTREAM_CIRCLE: 409,
} as const;
