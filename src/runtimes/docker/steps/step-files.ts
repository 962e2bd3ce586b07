import type { Stage, Step, Steps, Variable } from '../../../plan/plan.ts';
import { RuntimeError } from '../../runtime-error.ts';
import { conductor, reportDirectory, shell, stateDirectory, stepsDirectory, words } from './conductor.ts';
import { filled, quoted, valueText } from './shell-text.ts';

export const stepsOf = ({ command }: Stage): Steps | undefined => (command.kind === 'steps' ? command : undefined);

/** By number: from 1, those after behind the others. */
export const numbered = ({ steps, after }: Steps): readonly Step[] => [...steps, ...after];

/** Whether the container asks cion for something in its midst. */
export const asks = (stage: Stage): boolean => {
  const steps = stepsOf(stage);
  return steps !== undefined && (stage.commit?.steps === true || numbered(steps).some(({ action }) => action.kind === 'internal'));
};

/** Directories for the user of the command, parents first. */
export const directoriesOf = (stage: Stage): readonly string[] => {
  const steps = stepsOf(stage);
  const reports =
    steps === undefined ? [] : numbered(steps).flatMap(({ id }) => [id, `${id}/artifacts`].map((name) => `${reportDirectory}/${name}`));
  return [...new Set([...(stage.directories ?? []), ...(steps === undefined ? [] : [stateDirectory, reportDirectory, ...reports])])];
};

/** Whether every variable says in the plan what it is: its files are known before the start. */
export const areKnown = (steps: Steps): boolean =>
  [steps, ...numbered(steps)].every(({ variables }) =>
    variables.every(({ value }) => value.kind === 'literal' || value.kind === 'expanded'),
  );

/** All that the conductor needs, as input files; `makes`: directories that it makes before the first step. */
export const stepFiles = (
  stage: Stage,
  steps: Steps,
  { workdir, makes }: { readonly workdir: string; readonly makes: readonly string[] },
): readonly { readonly path: string; readonly content: Uint8Array; readonly private: true }[] => {
  const all = numbered(steps);
  const lines = (from: number, some: readonly Step[]): string => some.map((step, index) => line(from + index + 1, step)).join('');
  const texts: Record<string, string> = {
    words,
    conductor,
    shell,
    facts: factsOf(stage, steps, workdir),
    directories: makingOf(makes),
    variables: steps.variables.map(exported).join(''),
    steps: lines(0, steps.steps),
    after: lines(steps.steps.length, steps.after),
  };
  for (const [index, { action, variables }] of all.entries()) {
    if (variables.length > 0) {
      texts[`${index + 1}.enter`] = variables.map((variable, of) => kept(variable, of) + exported(variable)).join('');
      texts[`${index + 1}.leave`] = variables.map(restored).toReversed().join('');
    }
    if (action.kind === 'script') texts[`${index + 1}.script`] = action.script;
  }
  return Object.entries(texts).map(([name, text]) => ({ path: `${stepsDirectory}/${name}`, content: Buffer.from(text), private: true }));
};

const factsOf = (stage: Stage, steps: Steps, workdir: string): string => {
  const about = numbered(steps).map(({ id, name }, index) => `${index + 1}) id=${quoted(id)} name=${quoted(name)} ;;\n`);
  return `__cion_workdir=${quoted(workdir)}
__cion_commits=${stage.commit?.steps === true ? 'yes' : 'no'}
__cion_last=${steps.steps.length} __cion_last_after=${steps.steps.length + steps.after.length}
__cion_about() {
case $1 in
${about.join('')}*) id= name= ;;
esac
}
`;
};

/** A command line has an end: so many at a time. */
const makingOf = (directories: readonly string[]): string => {
  const lines: string[] = [];
  for (let at = 0; at < directories.length; at += 500)
    lines.push(
      `mkdir -p -- ${directories
        .slice(at, at + 500)
        .map(quoted)
        .join(' ')}`,
    );
  return lines.length === 0 ? ':\n' : `${lines.join(' &&\n')}\n`;
};

/** No loop and no function around it: \`break\`, \`return\` and \`declare\` mean in a step what they mean in a file. */
const line = (number: number, { id, cwd, action, variables }: Step): string => {
  const run = action.kind === 'script' ? `. ${stepsDirectory}/${number}.script </dev/null` : '__cion_internal';
  const own = (what: 'enter' | 'leave'): string => (variables.length === 0 ? '' : `. ${stepsDirectory}/${number}.${what}\n`);
  return `if __cion_begin ${number} ${quoted(id)}; then
${own('enter')}__cion_enter ${cwd === undefined ? "''" : filled(cwd)} && ${run}
{ __cion_end $?; } 2>/dev/null
${own('leave')}fi
`;
};

const exported = ({ name, value }: Variable): string => `export ${named(name)}=${valueText(value)}\n`;

const kept = ({ name }: Variable, index: number): string =>
  `__cion_was${index}=$${named(name)} __cion_set${index}=\${${named(name)}+set}\n`;

const restored = ({ name }: Variable, index: number): string =>
  `case $__cion_set${index} in set) ${named(name)}=$__cion_was${index} ;; *) unset ${named(name)} ;; esac\n`;

const named = (name: string): string => {
  if (!/^[A-Za-z_]\w*$/.test(name))
    throw new RuntimeError('UNSUPPORTED', `no shell takes ${JSON.stringify(name)} as the name of a variable`);
  return name;
};
