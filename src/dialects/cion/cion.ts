import type { Plan } from '../../plan/plan.ts';
import type { Problem, Range } from '../../plan/problem.ts';
import { validatePlan } from '../../plan/validate.ts';
import type { Compiled, ConfigFile, Dialect } from '../dialect.ts';
import { inOrder } from '../in-order.ts';
import { isEmpty, readYaml, type YamlNode } from '../yaml.ts';
import { type Configuration, configuration } from './configuration.ts';
import { planOfSections } from './sections.ts';
import { planOfStages, unknownNeeds } from './stages.ts';

export const cionFile = '.cion.yml';

/** The `.cion.yml` in the root of the tree, and nothing else (R-CIO-20). */
export const cionDialect: Dialect = {
  name: 'cion',
  reads: cionFile,
  looks: 'root',
  wants: (paths) => paths.filter((path) => path === cionFile),
  compile: (files) => {
    const file = files.find(({ path }) => path === cionFile);
    return file === undefined ? refusedFor([missingFile]) : compileFile(file);
  },
};

const compileFile = (file: ConfigFile): Compiled => {
  const read = readYaml(file);
  if (!read.ok) return refusedFor(read.problems);
  if (isEmpty(read.value)) return refusedFor([emptyFile(read.value)]);
  const problems: Problem[] = [];
  const given = configuration.read(read.value, { path: '', range: read.value.range, report: (problem) => problems.push(problem) });
  if (given === undefined || problems.length > 0) return refusedFor(problems);
  const plan = planOf(given, read.value.range);
  if (!plan.ok) return plan;
  const wrong = validatePlan(plan.plan);
  return wrong.length > 0 ? refusedFor(wrong) : plan;
};

const refusedFor = (problems: readonly Problem[]): Compiled => ({ ok: false, problems: inOrder(problems) });
const compiledTo = (plan: Plan): Compiled => ({ ok: true, plan, warnings: [] });

const planOf = ({ build, test, release, services = [], stages }: Configuration, file: Range): Compiled => {
  if (stages !== undefined) {
    if (stages.value.length === 0) return refusedFor([noStages(stages.range)]);
    const unknown = unknownNeeds(stages.value);
    return unknown.length > 0 ? refusedFor(unknown) : compiledTo(planOfStages(stages.value, services));
  }
  if (build === undefined) return refusedFor([noBuild(file)]);
  return compiledTo(planOfSections({ build, ...(test && { test }), ...(release && { release }), services }));
};

const firstLine = ({ file, start }: Range): Range => ({ file, start, end: start });

const example = 'The shortest configuration is "build: { image: busybox, cmd: ls }"; "cion init" writes one that fits.';

const missingFile: Problem = { code: 'CONFIG_MISSING', message: `There is no ${cionFile}.`, hint: example };

const emptyFile = ({ range }: YamlNode): Problem => ({ code: 'CONFIG_EMPTY', message: `${cionFile} is empty.`, hint: example, range });

const noBuild = (file: Range): Problem => ({
  code: 'MISSING_KEY',
  message: 'The file has no "build".',
  hint: 'Add a section "build" with an "image", or "stages".',
  range: firstLine(file),
});

const noStages = (range: Range): Problem => ({
  code: 'EMPTY_VALUE',
  message: '"stages" is empty.',
  hint: 'Add a stage: its name, and below it an "image".',
  range,
});
