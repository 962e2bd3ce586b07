import { visible } from './visible.ts';

/** `place`: what a command needs to reach the run, ` --server`; absent: it is on this machine. */
export type Reach = { readonly place?: string };

/** Commands to copy and paste: what could be done next. */
export const logCommand = (run: number, stage: string, attempt?: number, { place = '' }: Reach = {}): string =>
  `cion logs ${run} ${shellWord(stage)}${attempt === undefined ? '' : ` --attempt ${attempt}`}${place}`;
export const showCommand = (run: number, { place = '' }: Reach = {}): string => `cion show ${run}${place}`;
export const artifactsCommand = (run: number, { place = '' }: Reach = {}): string => `cion artifacts ${run}${place}`;
export const rerunCommand = (run: number, { place = '' }: Reach = {}): string => `cion rerun ${run} --failed${place}`;
export const approveCommand = (run: number, gate: string, { place = '' }: Reach = {}): string =>
  `cion approve ${run} ${shellWord(gate)}${place}`;

export const approveRunCommand = (run: number, { place = '' }: Reach = {}): string => `cion approve ${run}${place}`;

const shellWord = (text: string): string => {
  const word = visible(text);
  return /^[\w@%+=:,./][\w@%+=:,./-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
};
