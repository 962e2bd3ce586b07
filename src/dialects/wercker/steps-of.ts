import type { Mount, Step, StepAction, Steps, Timeouts, Variable, Volume } from '../../plan/plan.ts';
import type { Range } from '../../plan/problem.ts';
import type { FetchedStep, Given } from '../dialect.ts';
import { literal } from '../env.ts';
import { quoted } from '../quoted.ts';
import { blame, type Place } from '../shape.ts';
import { buildDirectory, mountOf, reportOf, rootOf, takenNames } from './directories.ts';
import { internalAction, isInternal } from './internal-step.ts';
import { propertiesOf } from './manifest.ts';
import { optionVariables } from './options-of.ts';
import { fetchedScript, inlineScript } from './step-scripts.ts';
import type { StepItem } from './step-item.ts';
import { stepNameOf } from './step-reference.ts';

export type MadeSteps = {
  readonly steps: Steps['steps'];
  readonly after: Steps['after'];
  readonly mounts: readonly Mount[];
  readonly volumes: readonly Volume[];
  /** Steps whose code is not there yet; nothing else is then worth reading. */
  readonly wanted: readonly Wanted[];
};
export type Wanted = { readonly reference: string; readonly range: Range };

type Setting = { readonly given: Given; readonly base: string; readonly timeouts: Timeouts; readonly setup: string };

/** What after-steps are told of the steps (R-WRK-49). */
const result: readonly Variable[] = [
  { name: 'WERCKER_RESULT', value: { kind: 'expanded', text: '$CION_RESULT' } },
  { name: 'WERCKER_FAILED_STEP_DISPLAY_NAME', value: { kind: 'expanded', text: '$CION_FAILED_STEP' } },
  { name: 'WERCKER_FAILED_STEP_MESSAGE', value: { kind: 'expanded', text: '$CION_FAILED_STEP_MESSAGE' } },
];

export const makeSteps = (items: readonly StepItem[], afterItems: readonly StepItem[], setting: Setting, place: Place): MadeSteps => {
  const { given, timeouts } = setting;
  const ids = idsOf();
  const mounts: Mount[] = [];
  const volumes = new Map<string, Volume>();
  const wanted: Wanted[] = [];

  const use = (id: string, { name, tree }: FetchedStep): void => {
    const volume = `step-${name.replace(/[^\w.-]/g, '-')}-${tree.slice(0, 12)}`;
    volumes.set(volume, { name: volume, from: { tree } });
    mounts.push({ kind: 'volume', volume, path: mountOf(id), access: 'read-only' });
  };

  const make = (item: StepItem, more: readonly Variable[]): Step | undefined => {
    const { owner, name } = stepNameOf(item.reference);
    const id = ids(name);
    tellCheckpoint(item, place);
    const made = actionOf(item, id, name);
    if (made === undefined) return undefined;
    return {
      id,
      name: item.name ?? (isInternal(item.reference) ? item.reference : name),
      variables: [...more, ...stepVariables(id, made.owner ?? owner ?? 'wercker', name), ...made.variables],
      ...(item.cwd === undefined ? {} : { cwd: item.cwd }),
      action: made.action,
      timeouts: made.action.kind === 'internal' && (made.action.what === 'shell' || made.action.what === 'watch') ? {} : timeouts,
      range: item.range,
    };
  };

  const actionOf = (item: StepItem, id: string, name: string): Made | undefined => {
    const there = { ...place, range: item.range };
    if (isInternal(item.reference)) {
      const action = internalAction(item, setting.base, there);
      return action && { action, variables: [] };
    }
    if (name === 'script' && !/["']/.test(item.reference)) {
      const variables = optionVariables(item, name, [], there);
      return { action: script(inlineScript(codeOf(item, there))), variables };
    }
    const fetched = given.steps.get(item.reference);
    if (fetched === undefined) {
      wanted.push({ reference: item.reference, range: item.range });
      return undefined;
    }
    if (!fetched.files.includes('run.sh') && !fetched.files.includes('init.sh')) {
      const message = `The step ${quoted(item.reference)} has no run.sh.`;
      return blame(there, { code: 'STEP_NO_SCRIPT', message, hint: 'See that its archive has run.sh in its root.' });
    }
    use(id, fetched);
    const properties = propertiesOf(fetched.manifest, place.report);
    return {
      action: script(fetchedScript(id, fetched.files)),
      variables: optionVariables(item, name, properties, there),
      owner: fetched.owner,
    };
  };

  const setup: Step = {
    id: ids('setup-environment'),
    name: 'setup environment',
    // Whatever the text and those who run it call their own.
    variables: [...stepVariables('setup-environment', 'wercker', 'setup-environment'), { name: 'BUILD_DIR', value: buildDirectory }],
    action: script(setting.setup),
    timeouts: {},
  };
  const steps = items.map((item) => make(item, [])).filter((step) => step !== undefined);
  const after = afterItems.map((item) => make(item, result)).filter((step) => step !== undefined);
  return { steps: [setup, ...steps], after, mounts, volumes: [...volumes.values()], wanted };
};

type Made = { readonly action: StepAction; readonly variables: readonly Variable[]; readonly owner?: string };

const script = (text: string): StepAction => ({ kind: 'script', script: text });

const codeOf = (item: StepItem, place: Place): string => {
  const { code = '' } = item;
  if (code.trim() === '')
    blame(place, { code: 'SCRIPT_EMPTY', message: 'This script has no "code", so it does nothing.', hint: 'Add "code:" below it.' });
  const [, interpreter] = /^#!\s*(?:\/usr\/bin\/env\s+)?(\S+)/.exec(code) ?? [];
  if (interpreter !== undefined && !/(?:^|\/)(?:ba|da|a|k|z)?sh$/.test(interpreter)) {
    const message = `This script is run by the shell of the box, not by ${quoted(interpreter)}.`;
    blame(place, { code: 'SHEBANG_UNUSED', message, hint: 'Keep it in a file of its own, and run that.' });
  }
  return code;
};

const tellCheckpoint = ({ checkpoint, range }: StepItem, place: Place): void => {
  if (checkpoint === undefined) return;
  const message = '"checkpoint" has no meaning here.';
  blame(place, { code: 'CHECKPOINT_UNUSED', message, hint: 'With "cion shell" one looks at what a step left.' }, range);
};

const stepVariables = (id: string, owner: string, name: string): readonly Variable[] =>
  Object.entries({
    WERCKER_STEP_ROOT: rootOf(id),
    WERCKER_STEP_ID: id,
    WERCKER_STEP_OWNER: owner,
    WERCKER_STEP_NAME: name,
    WERCKER_REPORT_NUMBERS_FILE: `${reportOf(id)}/numbers.ini`,
    WERCKER_REPORT_MESSAGE_FILE: `${reportOf(id)}/message.txt`,
    WERCKER_REPORT_ARTIFACTS_DIR: `${reportOf(id)}/artifacts`,
  }).map(([name, value]) => ({ name, value: literal(value) }));

/** `script`, `script-2` … */
const idsOf = () => {
  const used = new Set(takenNames);
  return (name: string): string => {
    const base =
      name
        .replace(/[^A-Za-z0-9_.-]/g, '-')
        .replace(/^[.-]+/, '')
        .slice(0, 60) || 'step';
    let id = base;
    for (let n = 2; used.has(id); n++) id = `${base}-${n}`;
    used.add(id);
    return id;
  };
};
