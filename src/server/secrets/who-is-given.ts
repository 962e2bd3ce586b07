import type { Source, Trigger } from '../../run/run-event.ts';
import type { NewSecret, SecretScope } from '../../store/secrets.ts';
import { takes } from '../intake/glob-list.ts';

/** What of a run decides what it is given. `branch`: which its commit is certainly the newest of, or was pushed to. */
export type AboutRun = {
  readonly trigger: Trigger;
  readonly pipeline: string;
  readonly branch?: string;
};

export const aboutRun = (trigger: Trigger, pipeline: string, source: Pick<Source, 'branch'> | undefined): AboutRun => ({
  trigger,
  pipeline,
  ...(source?.branch === undefined ? {} : { branch: source.branch }),
});

/** Nobody of the project has looked at what it runs: a pull request from a fork, however it was started (atk-13). */
export const isUntrusted = (trigger: Trigger): boolean =>
  (trigger.kind === 'pull-request' && trigger.fork) ||
  (trigger.kind === 'manual' && trigger.ref !== undefined && !/^refs\/(?:heads|tags)\//.test(trigger.ref));

/**
 * Whether a run may have it at all. Limits of every kind hold, and one that a run says nothing about keeps it out (atk-41). Variables are no secrets:
 * runs that nobody trusts have them too.
 */
export const isGivenToRun = ({ kind, scope }: Pick<NewSecret, 'kind' | 'scope'>, { trigger, pipeline, branch }: AboutRun): boolean =>
  (kind === 'variable' || !isUntrusted(trigger)) &&
  (scope.triggers.length === 0 || scope.triggers.includes(trigger.kind)) &&
  (scope.pipelines.length === 0 || scope.pipelines.includes(pipeline)) &&
  (scope.branches.length === 0 || (branch !== undefined && takes(scope.branches, branch)));

/** Whether a stage of such a run has it. `environment`: where the stage deploys. */
export const isGivenToStage = ({ environments }: SecretScope, environment: string | undefined): boolean =>
  environments.length === 0 || (environment !== undefined && environments.includes(environment));
