import { didYouMean } from '../../lib/did-you-mean.ts';
import { filled } from '../../lib/filled.ts';
import { readJournal } from '../../local/journal.ts';
import { withCircumstances } from '../../plan/circumstances.ts';
import type { Stage } from '../../plan/plan.ts';
import { stagesOf } from '../../plan/stage.ts';
import type { AttemptState, RunState } from '../../run/run-state.ts';
import { findRun, type Project, readRun } from '../project.ts';
import { Refusal } from '../refusal.ts';

/** What a person means by `12/build@npm-install`. */
export type ShellPlace = {
  readonly state: RunState;
  readonly stage: Stage;
  readonly attempt: AttemptState;
  /** The id of the step. */
  readonly step?: string;
  /** The image that was kept after that step, or after the last of the stage. */
  readonly image?: string;
};

export const findShellPlace = async (project: Project, text: string): Promise<ShellPlace> => {
  const [, runText = '', stageText, stepText] = /^([^/@]*)(?:\/([^@]*))?(?:@(.*))?$/s.exec(text) ?? [];
  const state = await readRun(project, await findRun(project, runText));
  const stage = withCircumstances(stageIn(state, stageText), state.circumstances ?? {});
  const node = state.nodes.get(stage.name);
  const attempt = node?.kind === 'stage' ? node.attempts.at(-1) : undefined;
  if (attempt === undefined) throw new Refusal('NO_STATE', `"${stage.name}" was not run in run ${state.number}.`);
  const step = stepText === undefined ? undefined : stepIn(stage, stepText);
  const image = await imageAfter(project, state.run, stage.name, attempt, step);
  return { state, stage, attempt, ...(step === undefined ? {} : { step }), ...(image === undefined ? {} : { image }) };
};

const stageIn = ({ plan, number }: RunState, name: string | undefined): Stage => {
  const stages = plan === undefined ? [] : stagesOf(plan);
  const names = stages.map((each) => each.name);
  const [only, ...others] = stages;
  if (name === undefined && only !== undefined && others.length === 0) return only;
  if (name === undefined || name === '')
    throw new Refusal('USAGE', `Say which stage of run ${number}.`, names.map((each) => `${number}/${each}`).join(', '));
  const found = stages.find((each) => each.name === name);
  if (found === undefined) throw new Refusal('STAGE_UNKNOWN', `Run ${number} has no stage "${name}".`, didYouMean(name, names));
  return found;
};

/** By its id, or by its name where only one is called so. */
const stepIn = ({ name, command }: Stage, text: string): string => {
  const steps = command.kind === 'steps' ? [...command.steps, ...command.after] : [];
  const [called, ...others] = steps.filter((step) => step.name === text);
  const found = steps.find(({ id }) => id === text) ?? (others.length === 0 ? called : undefined);
  if (found !== undefined) return found.id;
  const ids = steps.map(({ id }) => id);
  throw new Refusal(
    'STEP_NOT_BEGUN',
    `"${name}" has no step "${text}".`,
    didYouMean(text, ids) ?? `It has ${ids.join(', ') || 'no steps'}.`,
  );
};

const imageAfter = async (
  { stateDir }: Project,
  run: string,
  stage: string,
  { attempt, committed }: AttemptState,
  step: string | undefined,
): Promise<string | undefined> => {
  if (step === undefined && committed !== undefined) return committed.digest;
  const kept = ((await readJournal(stateDir, run)) ?? []).findLast(
    (event) =>
      event.kind === 'step.finished' &&
      event.stage === stage &&
      event.attempt === attempt &&
      (step === undefined ? event.image !== undefined : event.step === step),
  );
  return kept?.kind === 'step.finished' ? kept.image?.digest : undefined;
};

/** What of a stage's environment stands in the plan in the clear. */
export const clearEnvironment = ({ env, command }: Stage): Readonly<Record<string, string>> => {
  const clear = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) if (value.kind === 'literal') clear.set(name, value.value);
  for (const { name, value } of command.kind === 'steps' ? command.variables : []) {
    clear.delete(name);
    if (value.kind === 'literal') clear.set(name, value.value);
    else if (value.kind === 'expanded' && isKnown(value.text, clear)) clear.set(name, filled(value.text, Object.fromEntries(clear)));
  }
  return Object.fromEntries(clear);
};

/** Whether all that a shell would fill in it is here. */
const isKnown = (text: string, clear: ReadonlyMap<string, string>): boolean =>
  !text
    .replace(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (whole: string, bare?: string, braced?: string) =>
      clear.has(bare ?? braced ?? '') ? '' : whole,
    )
    .includes('$');
