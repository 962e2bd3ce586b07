import { ResultsError, type ResultsErrorCode } from './results-error.ts';

/** The names of a run's objects, the same in every adapter: `<stage>.json`, `.log`, `.zip` (R-DCK-93 … 95). */
export const documentName = (stage: string): string => `${stage}.json`;
export const logName = (stage: string): string => `${stage}.log`;
export const zipName = (stage: string): string => `${stage}.zip`;

/** What the log of a stage or of its `done`, and the zip of a stage or of its steps, are called before their ending. */
export const logOwner = ({ stage, part }: { readonly stage: string; readonly part?: 'done' | 'steps' }): string =>
  part === undefined ? stage : `${stage}.${part}`;

/** What an attempt that is not the newest is called instead of its stage's plain name. */
export const pastName = (stage: string, attempt: number): string => `${stage}@${attempt}`;

/** As it stands in a stage's document. */
export const objectPath = (run: string, name: string): string => `run/${run}/${name}`;

/** Names come from plans and command lines: none may lead out of the run's place or mean another attempt. */
export const checkNames = (key: { readonly run: string; readonly stage: string }, code: ResultsErrorCode): void => {
  if (!isPlainName(key.run)) throw new ResultsError(code, `${JSON.stringify(key.run)} cannot be the name of a run.`);
  if (!isPlainName(key.stage) || /@\d+$/.test(key.stage)) {
    throw new ResultsError(code, `${JSON.stringify(key.stage)} cannot be the name of a stage.`);
  }
};

export const isPlainName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !/[/\\\p{Cc}]/u.test(name) && name.isWellFormed();
