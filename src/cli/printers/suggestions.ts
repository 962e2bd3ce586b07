import { visible } from './visible.ts';

/** Commands to copy and paste: what could be done next. */
export const logCommand = (run: number, stage: string, attempt?: number): string =>
  `cion logs ${run} ${shellWord(stage)}${attempt === undefined ? '' : ` --attempt ${attempt}`}`;
export const showCommand = (run: number): string => `cion show ${run}`;
export const artifactsCommand = (run: number): string => `cion artifacts ${run}`;
export const rerunCommand = (run: number): string => `cion rerun ${run} --failed`;
export const approveCommand = (run: number, gate: string): string => `cion approve ${run} ${shellWord(gate)}`;

const shellWord = (text: string): string => {
  const word = visible(text);
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
};
