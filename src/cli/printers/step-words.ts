import type { Plan, Step } from '../../plan/plan.ts';
import type { RunEvent } from '../../run/run-event.ts';
import type { StepState } from '../../run/run-state.ts';
import { limit } from '../../lib/quantities.ts';
import { visible } from './visible.ts';

export type StepPlace = { readonly step: Step; readonly number: number; readonly of: number; readonly isAfter: boolean };

/** Which of a stage's steps this is; those of `after` are counted by themselves. */
export const stepPlace = (plan: Plan | undefined, stage: string, id: string): StepPlace | undefined => {
  const node = plan?.nodes.find(({ name }) => name === stage);
  if (node?.kind !== 'stage' || node.command.kind !== 'steps') return undefined;
  for (const all of [node.command.steps, node.command.after]) {
    const index = all.findIndex((step) => step.id === id);
    const step = all[index];
    if (step !== undefined) return { step, number: index + 1, of: all.length, isAfter: all === node.command.after };
  }
  return undefined;
};

/** `step 3/10 npm test`, `after-step 1/2 notify`. */
export const stepTitle = (place: StepPlace | undefined, id: string): string =>
  place === undefined
    ? `step ${visible(id)}`
    : `${place.isAfter ? 'after-step' : 'step'} ${place.number}/${place.of} ${visible(place.step.name)}`;

/** Of our own words: they begin with ASCII. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const saidBy = ({ message = '' }: Pick<StepState, 'message'>): string => (message.trim() === '' ? '' : `: ${visible(message.trim())}`);

const endWords = ({ outcome, exitCode, cause }: Pick<StepState, 'outcome' | 'exitCode' | 'cause'>): string => {
  if (outcome === undefined) return 'runs';
  if (cause !== undefined)
    return cause.limit === 'total' ? `failed: longer than ${limit(cause.ms)}` : `failed: silent for ${limit(cause.ms)}`;
  return outcome === 'failed' && exitCode !== undefined ? `failed with exit code ${exitCode}` : outcome;
};

/** `took`: `1.2 s`, or nothing. */
export const stepFinished = (event: RunEvent & { kind: 'step.finished' }, place: StepPlace | undefined, took: string): string => {
  const isInVain = place?.isAfter === true && event.outcome === 'failed';
  const after = took === '' ? '' : ` after ${took}`;
  const text = `${stepTitle(place, event.step)} ${endWords(event)}${after}${saidBy(event)}`;
  return `${capital(text)}.${isInVain ? ' It does not count.' : ''}`;
};
