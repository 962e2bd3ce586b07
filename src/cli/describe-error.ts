export type Description = { readonly code: string; readonly message: string; readonly hint?: string | undefined; readonly known: boolean };

/** A sentence about an error, its code in docs/errors.md, and what to do about it. `known`: it was foreseen. */
export const describeError = (error: unknown): Description => {
  if (!(error instanceof Error)) return { code: 'UNEXPECTED', message: String(error), known: false };
  const code = codeOf(error);
  const own = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  const hint = own ?? hints[code];
  return { code, message: oneLine(error.message), hint, known: hint !== undefined || ownErrors.has(error.name) };
};

const ownErrors: ReadonlySet<string> = new Set([
  'Refusal',
  'RuntimeError',
  'ResultsError',
  'SourceError',
  'LocalError',
  'EngineError',
  'JournalError',
  'DockerConfigError',
  'WorkerError',
  'StoreError',
  'BackupError',
  'SealError',
  'ServerError',
  'UnverifiedError',
  'ApiError',
]);

const projectUnwritable =
  'cion writes into the project: see who owns it and whether its disk is writable, or work on a copy that you may write to.';

const hints: Readonly<Record<string, string>> = {
  ENGINE_UNREACHABLE: 'Is Docker running, and does DOCKER_HOST name it? "cion doctor" looks.',
  ENGINE_LOST: 'When the engine is back, "cion resume" goes on with the run.',
  IMAGE_NOT_FOUND: 'Check the name and the tag; a private registry needs "docker login".',
  IMAGE_DENIED: 'Log in with "docker login".',
  NO_SPACE: 'Make room; "cion clean" removes what dead runs left, --runs-older-than forgets old runs.',
  RESULTS_DENIED: 'Check which credentials are used and whether they may write there.',
  RESULTS_NO_CREDENTIALS: 'Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  RESULTS_NO_BUCKET: 'Make the bucket, or correct its name in --results.',
  RESULTS_UNREACHABLE: 'Check the network, and the address if one is given with --results-endpoint or AWS_ENDPOINT_URL.',
  RESULTS_UNWRITABLE: 'Check who owns .cion and whether its disk is writable.',
  SEALED_UNREADABLE: 'Give the server the key that it had: --key-file, or server.key in its directory.',
  STORE_UNAVAILABLE: 'See that the database runs, and that its address and login are right.',
  STORE_LOCKED: 'Stop the server that has it.',
  STATE_UNWRITABLE: projectUnwritable,
  LOGIN_REQUIRED: 'Log in with "cion login --server URL", or set CION_TOKEN.',
  TOKEN_INVALID: 'Log in again with "cion login --server URL".',
  FORBIDDEN: 'Ask an owner of the project. What an admin alone may needs "cion login --admin", for other tokens have not that right.',
  PROJECT_UNKNOWN: '"cion projects" lists those that you may see; "cion login" makes it more.',
  RUN_UNKNOWN: '"cion runs" lists them.',
  SOURCE_REF_GONE: 'See that its name is right and that it was pushed: "git ls-remote" lists what is there. No run was begun.',
  SERVER_ANSWER: 'Check the address: it may not be that of a server of cion.',
  EROFS: projectUnwritable,
  EACCES: 'Check who owns the file.',
  ENOSPC: 'Make room; "cion clean --runs-older-than 30d" forgets old runs.',
};

const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ');

const codeOf = (error: Error): string => {
  if (error.name === 'DockerConfigError') return 'DOCKER_CONFIG';
  if (!('code' in error) || typeof error.code !== 'string') return 'UNEXPECTED';
  return error.name === 'EngineError' ? `ENGINE_${error.code.toUpperCase()}` : error.code;
};
