import type { Context } from '../context.ts';
import type { Project } from '../project.ts';
import type { StepBy } from '../../planning/with-steps.ts';
import { type OpenSteps, openSteps, type StepOptions, type StepPlaces } from './open-steps.ts';

/** Fetches the code of steps for a project, which is touched only when there is a step to be fetched. `places` absent: as on a laptop. */
export const stepByOf = (
  context: Context,
  project: Pick<Project, 'root' | 'stateDir'>,
  options: StepOptions & { readonly production?: boolean },
  signal: AbortSignal,
  note: (line: string) => void,
  places: StepPlaces = {},
): StepBy => {
  let opened: Promise<OpenSteps> | undefined;
  return async (reference) => {
    opened ??= openSteps(context, project, options, note, { ...places, production: options.production === true });
    return (await opened).source.fetch(reference, signal);
  };
};
