import { ApiError } from '../../api/api-error.ts';

/** The server did not answer: it is down, or something is between. */
export class ServerError extends Error {
  readonly code = 'SERVER_UNREACHABLE';
  readonly hint = 'Check the address and the network; what runs there goes on without you.';

  constructor(url: string, reason: string) {
    super(`${url} cannot be reached: ${reason}.`);
    this.name = 'ServerError';
  }
}

/** Whether the server understood, and said that this cannot be done as it was asked; else it, or what is between, has trouble. */
export const isRefused = (error: unknown): error is ApiError =>
  error instanceof ApiError &&
  error.code !== 'SERVER_ANSWER' &&
  error.status >= 400 &&
  error.status < 500 &&
  ![408, 429].includes(error.status);
