/** A forge did not do what it was asked for. The message is for people; it has nothing of what was sent or answered, for that may be secret. */
export class ForgeError extends Error {
  readonly code: ForgeErrorCode;
  /** When it says how long to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ForgeErrorCode, message: string, options: { readonly retryAfterMs?: number } = {}) {
    super(message);
    this.name = 'ForgeError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** `FORGE_REFUSED`: asking again does not help. The others may pass. */
export type ForgeErrorCode = 'FORGE_UNREACHABLE' | 'FORGE_FAILED' | 'FORGE_BUSY' | 'FORGE_REFUSED' | 'FORGE_NOT_FOUND';
