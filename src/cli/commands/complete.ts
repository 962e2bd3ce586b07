import { basename } from 'node:path';
import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { dialects } from '../../dialects/dialects.ts';
import { deploymentHistory } from '../../local/ledger.ts';
import { listRuns } from '../../local/runs.ts';
import type { PlanNode } from '../../plan/plan.ts';
import { type CompiledTree, compileTree } from '../../planning/compile-tree.ts';
import type { Context } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { givenForLook } from '../given-for-look.ts';
import { openGates } from '../find-gate.ts';
import { localRuns } from '../run-place.ts';
import { type Candidate, candidateLines } from '../printers/completion.ts';
import { type Project, projectRoot, readRun, findRun } from '../project.ts';
import { directoryTree } from '../../planning/directory-tree.ts';
import { writeLines } from '../write.ts';
import { openProject } from './open-project.ts';

/** What could come in place of the last word: read from the command definitions and the project; silent when it knows nothing. */
export const complete = async (context: Context, program: CommandUnknownOpts, words: readonly string[]): Promise<ExitCode> => {
  const candidates = await candidatesFor(context, program, words).catch((): readonly Candidate[] => []);
  const begun = words.at(-1) ?? '';
  await writeLines(context.stdout, candidateLines(candidates.filter(({ value }) => value.startsWith(begun))));
  return exitCodes.passed;
};

const candidatesFor = async (context: Context, program: CommandUnknownOpts, words: readonly string[]): Promise<readonly Candidate[]> => {
  const before = words.slice(0, -1);
  const begun = words.at(-1) ?? '';
  const command = commandIn(before, program);
  const visible = visibleIn(command ?? program);
  if (visible.length > 0 && !begun.startsWith('-')) {
    return visible.map((candidate) => ({ value: candidate.name(), description: candidate.summary() }));
  }
  const options = [...(command ?? program).options, ...program.options].filter((option) => !option.hidden);
  const awaiting = options.find((option) => takesValue(option, before.at(-1)));
  if (awaiting !== undefined) return valuesOf(awaiting, context);
  if (begun.startsWith('-')) return options.map((option) => ({ value: option.long ?? option.flags, description: option.description }));
  return command === undefined ? [] : argumentsOf(command.name(), [...argumentsIn(before, command, options), begun], context);
};

const visibleIn = (command: CommandUnknownOpts): readonly CommandUnknownOpts[] =>
  command.commands.length === 0 ? [] : command.createHelp().visibleCommands(command);

/** The command that the words name, the innermost of those that hold others. */
const commandIn = (words: readonly string[], around: CommandUnknownOpts): CommandUnknownOpts | undefined => {
  const found = visibleIn(around).find((candidate) => words.includes(candidate.name()));
  return found && (commandIn(words.slice(words.indexOf(found.name()) + 1), found) ?? found);
};

/** The arguments of the command that are complete. */
const argumentsIn = (before: readonly string[], command: CommandUnknownOpts, options: readonly Option[]): readonly string[] => {
  const after = before.slice(before.indexOf(command.name()) + 1);
  return after.filter((word, index) => !word.startsWith('-') && !options.some((option) => takesValue(option, after[index - 1])));
};

const takesValue = ({ required, short, long }: Option, word: string | undefined): boolean =>
  required && word !== undefined && (word === short || word === long);

const valuesOf = async (option: Option, context: Context): Promise<readonly Candidate[]> => {
  if (option.argChoices !== undefined) return option.argChoices.map((value) => ({ value }));
  if (option.attributeName() === 'only') return stagesInText(context);
  if (option.attributeName() === 'approve') return [...(await nodesInText(context, 'gate')), { value: 'all' }];
  if (option.attributeName() === 'dialect') return dialects.map(({ name }) => ({ value: name }));
  if (option.attributeName() === 'at') return environments(await openProject(context));
  return [];
};

const argumentsOf = async (command: string, words: readonly string[], context: Context): Promise<readonly Candidate[]> => {
  const [first = '', second, ...more] = words;
  switch (command) {
    case 'run':
    case 'plan':
      return stagesInText(context);
    case 'logs':
    case 'artifacts':
      if (second === undefined) return runsCalled(first, await openProject(context));
      return more.length === 0 ? stagesOf(first, await openProject(context)) : [];
    case 'shell':
      return second === undefined ? placesCalled(first, await openProject(context)) : [];
    case 'show':
    case 'rerun':
    case 'resume':
    case 'cancel':
      return second === undefined ? runsCalled(first, await openProject(context)) : [];
    case 'approve':
    case 'reject':
      if (second === undefined) return [...(await gatesThatWait(context)), ...(await runsCalled(first, await openProject(context)))];
      return more.length === 0 ? gatesThatWait(context) : [];
    case 'completion':
      return ['bash', 'zsh', 'fish'].map((value) => ({ value }));
    default:
      return [];
  }
};

const stagesInText = async (context: Context): Promise<readonly Candidate[]> => {
  const tree = await projectText(context);
  return tree?.compiled.ok
    ? [...tree.compiled.plan.nodes.map(({ name }) => name), ...(tree.compiled.names?.keys() ?? [])].map((value) => ({ value }))
    : [];
};

const projectText = async (context: Context): Promise<CompiledTree | undefined> => {
  const root = await projectRoot(context);
  return compileTree(directoryTree(root), dialects, await givenForLook(context, { root, name: basename(root) }));
};

const nodesInText = async (context: Context, kind: PlanNode['kind']): Promise<readonly Candidate[]> => {
  const tree = await projectText(context);
  return tree?.compiled.ok ? tree.compiled.plan.nodes.filter((node) => node.kind === kind).map(({ name }) => ({ value: name })) : [];
};

const gatesThatWait = async (context: Context): Promise<readonly Candidate[]> => {
  const found = new Map<string, Candidate>();
  for await (const { gate, run } of openGates(localRuns(await openProject(context)))) {
    if (!found.has(gate)) found.set(gate, { value: gate, description: `of run ${run}` });
  }
  return [...found.values()];
};

/** By their numbers, or by their ids where an id was begun. */
const runsCalled = async (begun: string, { stateDir }: Project): Promise<readonly Candidate[]> => {
  const found: Candidate[] = [];
  for await (const { run, number, outcome, phase, source } of listRuns(stateDir)) {
    const value = /^[a-z]/.test(begun) ? run : String(number);
    if (!value.startsWith(begun)) continue;
    found.push({ value, description: `${outcome ?? phase} ${source?.subject ?? ''}`.trim() });
    if (found.length === 30) break;
  }
  return found;
};

const stagesOf = async (run: string, project: Project): Promise<readonly Candidate[]> => {
  const { nodes } = await readRun(project, await findRun(project, run));
  return ['fetch', ...nodes.keys()].map((value) => ({ value }));
};

/** Runs, and when a run is said, its stages. */
const placesCalled = async (begun: string, project: Project): Promise<readonly Candidate[]> => {
  const slash = begun.indexOf('/');
  if (slash < 0) return runsCalled(begun, project);
  const run = begun.slice(0, slash);
  const { nodes } = await readRun(project, await findRun(project, run));
  return [...nodes.values()].flatMap(({ kind, name }) => (kind === 'stage' ? [{ value: `${run}/${name}` }] : []));
};

const environments = async ({ stateDir }: Project): Promise<readonly Candidate[]> => {
  const runs = [];
  for await (const run of listRuns(stateDir)) runs.push(run);
  return [...new Set(deploymentHistory(runs).map(({ environment }) => environment))].map((value) => ({ value }));
};
