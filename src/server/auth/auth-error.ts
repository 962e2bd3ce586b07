/** The answer to who may not, or did not say who they are. Its message says nothing that only some may know. */
export class AuthError extends Error {
  readonly code: AuthErrorCode;
  readonly statusCode: number;
  readonly hint: string | undefined;

  constructor(code: AuthErrorCode, message: string, hint?: string) {
    super(message);
    this.name = 'AuthError';
    this.code = code;
    this.statusCode = statuses[code];
    this.hint = hint;
  }
}

export type AuthErrorCode =
  | 'LOGIN_REFUSED'
  | 'LOGIN_THROTTLED'
  | 'LOGIN_STALE'
  | 'TOKEN_INVALID'
  | 'TOKEN_IN_URL'
  | 'FORBIDDEN'
  | 'FOREIGN_REQUEST'
  | 'SETUP_REFUSED'
  | 'PASSWORD_REFUSED'
  | 'ACCOUNT_EXISTS'
  | 'ACCOUNT_UNKNOWN'
  | 'OWN_ROLE'
  | 'FORGE_LOGIN_REFUSED'
  | 'FORGE_UNREACHABLE'
  | 'WORKER_REFUSED'
  | 'NOT_FOUND';

const statuses: Readonly<Record<AuthErrorCode, number>> = {
  LOGIN_REFUSED: 401,
  LOGIN_THROTTLED: 429,
  LOGIN_STALE: 403,
  TOKEN_INVALID: 401,
  TOKEN_IN_URL: 400,
  FORBIDDEN: 403,
  FOREIGN_REQUEST: 403,
  SETUP_REFUSED: 403,
  PASSWORD_REFUSED: 400,
  ACCOUNT_EXISTS: 409,
  ACCOUNT_UNKNOWN: 404,
  OWN_ROLE: 403,
  FORGE_LOGIN_REFUSED: 403,
  FORGE_UNREACHABLE: 502,
  WORKER_REFUSED: 403,
  NOT_FOUND: 404,
};

export const tokenNotFound = (): AuthError => new AuthError('NOT_FOUND', 'There is no such token, or it is not yours to revoke.');

export const notFound = (): AuthError => new AuthError('NOT_FOUND', 'There is nothing here that you may see.');
