/** What somebody wants of a subscription cannot be; the message is for them. */
export class SubscriptionError extends Error {
  readonly code: keyof typeof statuses;
  readonly statusCode: number;

  constructor(code: SubscriptionError['code'], message: string) {
    super(message);
    this.name = 'SubscriptionError';
    this.code = code;
    this.statusCode = statuses[code];
  }
}

const statuses = { SUBSCRIPTION_UNKNOWN: 404, SUBSCRIPTION_LIMIT: 409, MAIL_NONE: 409, TEST_LIMIT: 429 } as const;
