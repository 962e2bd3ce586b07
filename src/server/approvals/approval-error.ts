/** An approval that is not taken, or not asked for again; the message is for people. `code` stands in docs/errors.md. */
export class ApprovalError extends Error {
  readonly code: 'APPROVAL_CLOSED' | 'APPROVAL_CHANGED' | 'APPROVAL_OWN' | 'APPROVAL_AGAIN';
  readonly statusCode: 403 | 409;

  constructor(code: ApprovalError['code'], message: string) {
    super(message);
    this.name = 'ApprovalError';
    this.code = code;
    this.statusCode = code === 'APPROVAL_OWN' ? 403 : 409;
  }
}
