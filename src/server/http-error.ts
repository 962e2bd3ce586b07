/** A request that is not done, and what its sender is told. `code` stands in docs/errors.md. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, status: number, message: string, hint?: string) {
    super(message);
    this.name = 'HttpError';
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** The same words whether there is none or it may not be seen. */
export const projectUnknown = (name: string): HttpError =>
  new HttpError('PROJECT_UNKNOWN', 404, `There is no project ${JSON.stringify(name.slice(0, 200))} here, or you may not see it.`);

export const loginRequired = (): HttpError => new HttpError('LOGIN_REQUIRED', 401, 'Log in first.');
