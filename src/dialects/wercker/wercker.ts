import { didYouMean, nearestWord } from '../../lib/did-you-mean.ts';
import type { Problem, Range } from '../../plan/problem.ts';
import { validatePlan } from '../../plan/validate.ts';
import type { Compiled, ConfigFile, Dialect, Given } from '../dialect.ts';
import { inOrder } from '../in-order.ts';
import { quoted } from '../quoted.ts';
import { blame } from '../shape.ts';
import { isEmpty, readYaml } from '../yaml.ts';
import { type Configuration, readConfiguration } from './configuration.ts';
import { makePlan } from './stage-of.ts';
import { stepWithoutColon } from './step-without-colon.ts';
import { together, warningCodes } from './warnings.ts';
import { workflowProblems } from './workflows.ts';

/** Of several the first counts. */
const names = ['ewok.yml', 'wercker.yml', '.wercker.yml'];

/** The `wercker.yml` in the root of the tree (R-WRK-06): one of its pipelines at a time. */
export const werckerDialect: Dialect = {
  name: 'wercker',
  reads: 'wercker.yml',
  looks: 'root',
  wants: (paths) => names.filter((name) => paths.includes(name)),
  compile: (files, given = nothingGiven) => {
    const found = names.flatMap((name) => files.find(({ path }) => path === name) ?? []);
    const [file, ...others] = found;
    if (file === undefined) return { ok: false, problems: [missingFile] };
    return compileFile(
      file,
      given,
      others.map((other) => unusedFile(other, file)),
    );
  },
};

const nothingGiven: Given = { project: '', variables: [], steps: new Map() };

const compileFile = (file: ConfigFile, given: Given, told: readonly Problem[]): Compiled => {
  const read = readYaml(file);
  if (!read.ok) return { ok: false, problems: read.problems.map((problem) => stepWithoutColon(problem, file)) };
  if (isEmpty(read.value)) return { ok: false, problems: [emptyFile(file, read.value.range)] };
  const problems: Problem[] = [...told];
  const report = (problem: Problem): void => void problems.push(problem);
  const configuration = readConfiguration(read.value, { path: '', range: read.value.range, report });
  if (configuration === undefined) return refusedFor(problems);
  return compilePipeline(configuration, given, file.path, problems);
};

const compilePipeline = ({ common, pipelines }: Configuration, given: Given, file: string, told: readonly Problem[]): Compiled => {
  const problems: Problem[] = [...told, ...workflowProblems(common.workflows ?? [], new Set(pipelines.keys()))];
  const name = given.pipeline ?? 'build';
  const chosen = pipelines.get(name);
  if (chosen === undefined) return refusedFor([...problems, unknownPipeline(name, [...pipelines.keys()], file)]);
  problems.push(...chosen.problems);
  if (chosen.pipeline === undefined) return refusedFor(problems);
  const place = { path: name, range: chosen.range, report: (problem: Problem) => void problems.push(problem) };
  const { plan, wanted } = makePlan({ name, pipeline: chosen.pipeline, common }, given, place);
  if (plan !== undefined) problems.push(...validatePlan(plan));
  if (problems.some(({ code }) => !warningCodes.has(code))) return refusedFor(problems);
  for (const { reference, range } of wanted) blame(place, notFetched(reference), range);
  if (plan === undefined) return { ...refusedFor(problems), wantsSteps: wanted };
  const elsewhere = [...pipelines].filter(([other]) => other !== name).flatMap(([, other]) => other.problems);
  return { ok: true, plan, warnings: inOrder(together([...problems, ...elsewhere])) };
};

/** What is only told would hide what is wrong. */
const refusedFor = (problems: readonly Problem[]) =>
  ({ ok: false, problems: inOrder(problems.filter(({ code }) => !warningCodes.has(code))) }) as const;

const notFetched = (reference: string) => ({
  code: 'STEP_NOT_FETCHED',
  message: `The code of the step ${quoted(reference)} is not here.`,
  hint:
    nearestWord(reference, ['script']) === undefined
      ? 'See that it is written right; a run fetches it.'
      : didYouMean(reference, ['script']),
});

const example = 'The shortest is "box: debian" and "build: { steps: [{ script: { code: make } }] }".';

const missingFile: Problem = { code: 'CONFIG_MISSING', message: 'There is no wercker.yml.', hint: example };

const emptyFile = (file: ConfigFile, range: Range): Problem => ({
  code: 'CONFIG_EMPTY',
  message: `${file.path} is empty.`,
  hint: example,
  range,
});

const unusedFile = (file: ConfigFile, used: ConfigFile): Problem => ({
  code: 'CONFIG_UNUSED',
  message: `${file.path} is not read, since there is ${used.path}.`,
  hint: 'Remove one of them.',
});

const unknownPipeline = (name: string, known: readonly string[], file: string): Problem => ({
  code: 'PIPELINE_UNKNOWN',
  message: `There is no pipeline ${quoted(name)} in ${file}.`,
  hint:
    known.length === 0
      ? 'A pipeline is a mapping with "steps".'
      : (didYouMean(name, known) ?? `It has: ${known.map((each) => `"${each}"`).join(', ')}.`),
});
