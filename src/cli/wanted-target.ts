import type { ScheduleRow } from '../api/triggers.ts';

/** What a schedule or an upstream begins, as options say it; `ref` as git has it. */
export type WantedOptions = { readonly ref?: string; readonly pipeline?: string; readonly target?: string };

export const wantedTarget = ({ ref, pipeline, target }: WantedOptions): ScheduleRow['wants'] => ({
  ...(ref === undefined ? {} : { ref }),
  ...(pipeline === undefined ? {} : { pipeline }),
  ...(target === undefined ? {} : { target }),
});

/** For people: `nightly, target build, next`. */
export const wantedText = ({ ref, pipeline, target }: ScheduleRow['wants']): string =>
  [
    ...(pipeline === undefined ? [] : [pipeline]),
    ...(target === undefined ? [] : [`target ${target}`]),
    ref === undefined ? 'the default branch' : ref.replace(/^refs\/heads\//, ''),
  ].join(', ');
