import { ResultsError } from '../results-error.ts';

/** `what`: as it stands in a sentence, e.g. `the log of "build"`. */
export const unwritable = (what: string, error: unknown): ResultsError => {
  if (error instanceof ResultsError) return error;
  if (isNoSpace(error)) {
    return new ResultsError('NO_SPACE', `There is no space left on the disk for ${what}. Make room and run again.`, { cause: error });
  }
  return new ResultsError('RESULTS_UNWRITABLE', `${capital(what)} cannot be written: ${messageOf(error)}`, { cause: error });
};

export const unreadable = (what: string, error: unknown): ResultsError =>
  error instanceof ResultsError
    ? error
    : new ResultsError('RESULTS_UNREADABLE', `${capital(what)} cannot be read: ${messageOf(error)}`, { cause: error });

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';

const isNoSpace = (error: unknown): boolean => codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT';

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
