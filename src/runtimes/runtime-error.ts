/** We or the platform could not. `code` stands in docs/errors.md; the message is for the user, without secrets. */
export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RuntimeError';
    this.code = code;
  }
}

export type RuntimeErrorCode =
  | 'ENGINE_UNREACHABLE'
  | 'ENGINE_REFUSED'
  | 'ENGINE_LOST'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_DENIED'
  | 'IMAGE_PULL_FAILED'
  | 'IMAGE_PUSH_FAILED'
  | 'IMAGE_BUILD_FAILED'
  | 'CONTAINER_START_FAILED'
  | 'CONTAINER_GONE'
  | 'SERVICE_NOT_READY'
  | 'HOST_PATH_REFUSED'
  | 'PRIVILEGED_REFUSED'
  | 'VOLUME_DIRECTORY_MISSING'
  | 'NO_SPACE'
  | 'LOG_GAP'
  | 'UNSUPPORTED';
