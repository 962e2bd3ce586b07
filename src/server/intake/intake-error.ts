/** What was asked for cannot be done; the message is for who asked. */
export class IntakeError extends Error {
  readonly code: IntakeErrorCode;
  readonly statusCode: number;

  constructor(code: IntakeErrorCode, message: string) {
    super(message);
    this.name = 'IntakeError';
    this.code = code;
    this.statusCode = statuses[code];
  }
}

export type IntakeErrorCode =
  | 'HOOK_REFUSED'
  | 'PROJECT_EXISTS'
  | 'PROJECT_BUSY'
  | 'REPOSITORY_UNKNOWN'
  | 'REPOSITORY_NOT_YOURS'
  | 'FORGE_NOT_SET_UP'
  | 'FORGE_LOGIN_MISSING'
  | 'CREDENTIAL_UNUSED';

const statuses: Readonly<Record<IntakeErrorCode, number>> = {
  HOOK_REFUSED: 401,
  PROJECT_EXISTS: 409,
  PROJECT_BUSY: 409,
  REPOSITORY_UNKNOWN: 404,
  REPOSITORY_NOT_YOURS: 403,
  FORGE_NOT_SET_UP: 409,
  FORGE_LOGIN_MISSING: 409,
  CREDENTIAL_UNUSED: 409,
};
