/**
 * unreachable: no engine answers there, so nothing was done.
 * refused: the engine said no; `status` is that of its answer, absent when it said so in the midst of a stream.
 * lost: the connection broke, or what came over it makes no sense; whether the call was carried out cannot be known.
 */
export type EngineErrorCode = 'unreachable' | 'refused' | 'lost';

/** The message is for people, without anything of the request's body or headers. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;
  readonly status: number | undefined;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions & { readonly status?: number }) {
    super(message, options);
    this.name = 'EngineError';
    this.code = code;
    this.status = options?.status;
  }
}
