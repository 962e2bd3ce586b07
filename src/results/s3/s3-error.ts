import { ResultsError, type ResultsErrorCode } from '../results-error.ts';

/** `where`: as it stands in a sentence, e.g. `s3://bucket/dockercise/`; `fallback`: when it is none of the usual troubles. */
export const s3Error = (where: string, error: unknown, fallback: 'RESULTS_UNWRITABLE' | 'RESULTS_UNREADABLE'): ResultsError => {
  if (error instanceof ResultsError) return error;
  const code = codeFor(error) ?? fallback;
  return new ResultsError(code, `${sentences[code](where)}: ${reasonOf(error)}`, { cause: error });
};

export const isMissing = (error: unknown): boolean => {
  const name = nameOf(error);
  return name === 'NoSuchKey' || name === 'NotFound' || (statusOf(error) === 404 && name !== 'NoSuchBucket');
};

type S3ErrorCode = Exclude<ResultsErrorCode, 'NO_SPACE'>;

const sentences: Readonly<Record<S3ErrorCode, (where: string) => string>> = {
  RESULTS_DENIED: (where) => `${where} is closed to these credentials`,
  RESULTS_NO_BUCKET: (where) => `The bucket of ${where} is not there`,
  RESULTS_NO_CREDENTIALS: (where) => `There are no credentials for ${where}`,
  RESULTS_UNREACHABLE: (where) => `${where} does not answer`,
  RESULTS_UNWRITABLE: (where) => `${where} cannot be written`,
  RESULTS_UNREADABLE: (where) => `${where} cannot be read`,
};

const denied = new Set(['AccessDenied', 'Forbidden', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken']);
const unreachable = new Set([
  'TimeoutError',
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'TooManyRequests',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

const codeFor = (error: unknown): S3ErrorCode | undefined => {
  const [name, status, code] = [nameOf(error), statusOf(error), systemCodeOf(error)];
  if (name === 'NoSuchBucket') return 'RESULTS_NO_BUCKET';
  if (name === 'CredentialsProviderError') return 'RESULTS_NO_CREDENTIALS';
  if (denied.has(name) || status === 401 || status === 403) return 'RESULTS_DENIED';
  if (unreachable.has(name) || unreachable.has(code) || (status !== undefined && (status >= 500 || status === 408 || status === 429)))
    return 'RESULTS_UNREACHABLE';
  return undefined;
};

/** An S3 error says its kind in `name`; its message is often empty or says less. */
const reasonOf = (error: unknown): string => {
  const [name, status, code] = [nameOf(error), statusOf(error), systemCodeOf(error)];
  const message = error instanceof Error ? error.message.replace(/\s*\n\s*/g, ' ') : String(error);
  const kind = status === undefined ? code : `${name}, ${status}`;
  const isSaid = message === '' || message === name || message === 'UnknownError' || (kind !== '' && message.includes(kind));
  if (isSaid) return message.includes(kind) && message !== '' ? message : kind;
  return kind === '' ? message : `${message} (${kind})`;
};

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');

const systemCodeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const statusOf = (error: unknown): number | undefined => {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { readonly httpStatusCode?: number };
  return httpStatusCode;
};
