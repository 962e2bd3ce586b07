import type { Plan, PlanNode, Volume } from '../../plan/plan.ts';
import type { Problem } from '../../plan/problem.ts';
import { validatePlan } from '../../plan/validate.ts';
import type { Compiled, ConfigFile, Dialect } from '../dialect.ts';
import { inOrder } from '../in-order.ts';
import { readYaml } from '../yaml.ts';
import { configuration } from './configuration.ts';
import { sourceVolume } from './directories.ts';
import { gatesOf } from './gates.ts';
import { withoutJoins } from './joins.ts';
import { type Merged, merge } from './merge.ts';
import { isJoin } from './stage-keys.ts';
import { askedOf, stageNodes } from './stage-nodes.ts';
import { type ReadFile, subgraphsOf } from './subgraphs.ts';

const passedBy: ReadonlySet<string> = new Set(['node_modules', '.git', '.cion']);

/** `*.dockercise.yaml` and `dockercise.yaml` anywhere below the root, where it is the project's own (R-DCK-78, R-DCO-08). */
const isOurs = (path: string): boolean => {
  const parts = path.split('/');
  return /(^|\.)dockercise\.ya?ml$/.test(parts.pop() ?? '') && !parts.some((part) => passedBy.has(part));
};

/** All files are collected and merged before anything is made of them (R-DCK-77, R-DCO-09). */
export const dockerciseDialect: Dialect = {
  name: 'dockercise',
  reads: '*.dockercise.yaml',
  looks: 'everywhere',
  wants: (paths) => paths.filter(isOurs).sort(),
  compile: (files) => {
    const problems: Problem[] = [];
    const report = (problem: Problem): void => void problems.push(problem);
    const read = files.map((file) => readFile(file, report)).filter((file) => file !== undefined);
    const { wanted, needed, problems: ofImages } = subgraphsOf(read, (path) => !isOurs(path));
    const merged = merge(
      read.map((file) => file.configuration),
      report,
    );
    if (problems.length + ofImages.length > 0) return refusedFor([...problems, ...ofImages]);
    if (wanted.length > 0) return { ...refusedFor(needed), wantsImages: wanted };
    if (merged.stages.size === 0) return refusedFor([nothingThere(files)]);
    return compileMerged(merged);
  },
};

const refusedFor = (problems: readonly Problem[]) => ({ ok: false, problems: inOrder(problems) }) as const;

const readFile = (file: ConfigFile, report: (problem: Problem) => void): ReadFile | undefined => {
  const read = readYaml(file);
  if (!read.ok) {
    for (const problem of read.problems) report(problem);
    return undefined;
  }
  const given = configuration.read(read.value, { path: '', range: read.value.range, report });
  return given && { path: file.path, configuration: given };
};

const nothingThere = ([first]: readonly ConfigFile[]): Problem => ({
  code: first === undefined ? 'CONFIG_MISSING' : 'CONFIG_EMPTY',
  message: first === undefined ? 'There is no *.dockercise.yaml.' : `There is no stage in ${first.path}.`,
  hint: 'The shortest is "hello: { img: busybox, run: echo hello }".',
  ...(first === undefined ? {} : { range: { file: first.path, start: { line: 1, column: 1 }, end: { line: 1, column: 1 } } }),
});

const compileMerged = ({ stages, after, name }: Merged): Compiled => {
  const problems: Problem[] = [];
  const names = new Set(stages.keys());
  const asked = askedOf(stages);
  const nodes = [...stages.values()].flatMap((stage) => stageNodes(stage, stages, names, asked, (problem) => problems.push(problem)));
  const wrongThere = problems.filter(({ code }) => !warningCodes.has(code));
  if (wrongThere.length > 0) return refusedFor(wrongThere);
  const joins = new Set([...stages.values()].filter(({ value }) => isJoin(value)).map((stage) => stage.name));
  const plan: Plan = {
    version: 1,
    pipeline: name ?? 'dockercise',
    nodes: behind(topGates(after), nodes),
    volumes: volumesOf(nodes),
  };
  const wrong = validatePlan(plan);
  if (wrong.length > 0) return refusedFor(wrong);
  const joined = withoutJoins(plan, joins);
  return { ok: true, plan: joined.plan, warnings: inOrder(problems), names: joined.names };
};

/** What is told and keeps no plan from running. */
const warningCodes: ReadonlySet<string> = new Set(['REFERENCE_UNKNOWN']);

/** `human-click` is no stage's name; what else is waited for could be one. */
const topGates = (after: Merged['after']): readonly PlanNode[] =>
  gatesOf('', after, []).map((gate) => ({ ...gate, name: gate.name.replace(/^pipeline/, 'after.$&') }));

/** Every root waits for the gates of the whole pipeline, and so does what would run even after one of them is refused. */
const behind = (gates: readonly PlanNode[], nodes: readonly PlanNode[]): readonly PlanNode[] => {
  const opened = gates.map((gate) => ({ node: gate.name, on: 'passed' }) as const);
  const isFirst = (node: PlanNode): boolean => node.needs.length === 0 || (node.kind === 'stage' && node.always);
  return [...gates, ...nodes.map((node) => (isFirst(node) ? { ...node, needs: [...node.needs, ...opened] } : node))];
};

const volumesOf = (nodes: readonly PlanNode[]): readonly Volume[] => {
  const stages = nodes.filter((node) => node.kind === 'stage');
  const own = stages.map((stage): Volume => ({ name: stage.name, from: 'empty' }));
  const usesSource = stages.some(
    ({ image, mounts }) => image.kind === 'build' || mounts.some((mount) => mount.kind === 'volume' && mount.volume === sourceVolume),
  );
  return usesSource ? [{ name: sourceVolume, from: 'source' }, ...own] : own;
};
