/** What somebody wants of a trigger cannot be; the message is for them. */
export class TriggerError extends Error {
  readonly code: 'SCHEDULE_INVALID' | 'PACKAGE_UNREADABLE' | 'TRIGGER_LIMIT';
  readonly statusCode = 400;

  constructor(code: TriggerError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TriggerError';
    this.code = code;
  }
}
