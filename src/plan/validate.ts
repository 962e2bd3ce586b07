import { didYouMean } from '../lib/did-you-mean.ts';
import { cycleIn } from './cycle.ts';
import { ancestorsOf } from './graph.ts';
import type { Access, Plan, PlanNode, Stage } from './plan.ts';
import { isPrintingName } from './printing.ts';
import type { Problem } from './problem.ts';
import { artifactsAskedBy, buildVolumesOf, doneName, imagesOf, outputsAskedBy } from './stage.ts';

/**
 * What is wrong with a plan as a whole, whatever dialect it came from; empty when it can be run. Everything here is refused before
 * anything runs (R-DCK-05).
 */
export const validatePlan = (plan: Plan): readonly Problem[] => {
  const names = new Set(plan.nodes.map((node) => node.name));
  const problems = [
    ...plan.nodes.flatMap(nameProblems),
    ...doneNameProblems(plan),
    ...duplicateProblems(plan),
    ...plan.nodes.flatMap((node) => needProblems(node, names)),
    ...plan.nodes.filter(isStage).flatMap((stage) => mountProblems(stage, plan)),
  ];
  if (problems.length > 0) return problems;
  const cycle = cycleIn(plan.nodes);
  if (cycle !== undefined) return [cycleProblem(cycle, plan)];
  return [...referenceProblems(plan), ...nothingToUseProblems(plan), ...parallelWriteProblems(plan)];
};

/** Names that no stage may have (R-DCO-38): the results and people use them for their own. A gate may be called `human-click`. */
export const reservedNames: ReadonlySet<string> = new Set(['fetch', 'human-click']);

const isReserved = ({ kind, name }: PlanNode): boolean =>
  isPrintingName(name) || (reservedNames.has(name) && !(kind === 'gate' && name === 'human-click'));

const isStage = (node: PlanNode): node is Stage => node.kind === 'stage';

const problem = (code: string, node: PlanNode, message: string, hint?: string): Problem => ({
  code,
  message,
  ...(hint === undefined ? {} : { hint }),
  ...(node.range === undefined ? {} : { range: node.range }),
});

const longestName = 100;

const nameProblems = (node: PlanNode): readonly Problem[] => {
  const show = JSON.stringify(node.name);
  if (isReserved(node)) return [problem('PLAN_NAME_RESERVED', node, `${show} is a reserved name.`, 'Choose another name.')];
  if (node.name === '' || node.name === '.' || node.name === '..' || /[/\\\p{Cc}@]/u.test(node.name) || node.name.startsWith('-')) {
    return [
      problem(
        'PLAN_NAME_INVALID',
        node,
        `${show} cannot be a stage's name.`,
        'Use letters, digits, "-", "_" and "."; no "/", "\\", "@", no control character, no "-" at the start.',
      ),
    ];
  }
  if (Buffer.byteLength(node.name) > longestName) {
    return [problem('PLAN_NAME_INVALID', node, `The name ${show} is longer than ${longestName} bytes.`, 'Choose a shorter name.')];
  }
  return [];
};

const doneNameProblems = (plan: Plan): readonly Problem[] => {
  const taken = new Map(plan.nodes.filter(isStage).flatMap((stage) => (stage.done === undefined ? [] : [[doneName(stage.name), stage]])));
  return plan.nodes.flatMap((node) => {
    const stage = taken.get(node.name);
    if (stage === undefined) return [];
    const message = `"${node.name}" is what the log of the "done" of "${stage.name}" is called.`;
    return [problem('PLAN_NAME_RESERVED', node, message, 'Choose another name.')];
  });
};

const duplicateProblems = (plan: Plan): readonly Problem[] => {
  const seen = new Map<string, PlanNode>();
  return plan.nodes.flatMap((node) => {
    const first = seen.get(node.name);
    if (first === undefined) {
      seen.set(node.name, node);
      return [];
    }
    const where = first.range === undefined ? '' : ` It is first defined at ${first.range.file}:${first.range.start.line}.`;
    return [problem('PLAN_DUPLICATE_STAGE', node, `There are two stages called "${node.name}".${where}`, 'Give one of them another name.')];
  });
};

const needProblems = (node: PlanNode, names: ReadonlySet<string>): readonly Problem[] =>
  node.needs
    .filter((need) => !names.has(need.node))
    .map((need) =>
      problem('PLAN_UNKNOWN_NEED', node, `"${node.name}" needs "${need.node}", which does not exist.`, didYouMean(need.node, names)),
    );

const mountProblems = (stage: Stage, plan: Plan): readonly Problem[] => {
  const volumes = new Set(plan.volumes.map((volume) => volume.name));
  const paths = new Set<string>();
  return [
    ...stage.mounts.flatMap((mount) => {
      const problems: Problem[] = [];
      if (mount.kind === 'volume' && !volumes.has(mount.volume)) {
        problems.push(
          problem(
            'PLAN_UNKNOWN_VOLUME',
            stage,
            `"${stage.name}" mounts the volume "${mount.volume}", which does not exist.`,
            didYouMean(mount.volume, volumes),
          ),
        );
      }
      if (!/^(~?\/|~$)/.test(mount.path) || mount.path.split('/').includes('..') || mount.path.includes('\0')) {
        problems.push(
          problem(
            'PLAN_MOUNT_PATH',
            stage,
            `"${stage.name}" mounts at ${JSON.stringify(mount.path)}, which is not an absolute path, or one below "~", without "..".`,
          ),
        );
      }
      if (paths.has(mount.path)) problems.push(problem('PLAN_MOUNT_PATH', stage, `"${stage.name}" mounts two things at ${mount.path}.`));
      paths.add(mount.path);
      return problems;
    }),
    ...buildVolumesOf(stage)
      .filter((volume) => !volumes.has(volume))
      .map((volume) =>
        problem(
          'PLAN_UNKNOWN_VOLUME',
          stage,
          `"${stage.name}" builds an image from the volume "${volume}", which does not exist.`,
          didYouMean(volume, volumes),
        ),
      ),
    ...(stage.artifacts !== undefined && !volumes.has(stage.artifacts.volume)
      ? [
          problem(
            'PLAN_UNKNOWN_VOLUME',
            stage,
            `"${stage.name}" keeps the volume "${stage.artifacts.volume}", which does not exist.`,
            didYouMean(stage.artifacts.volume, volumes),
          ),
        ]
      : []),
  ];
};

const cycleProblem = (cycle: readonly string[], plan: Plan): Problem => {
  const node = plan.nodes.find((candidate) => candidate.name === cycle[0]);
  const path = [...cycle, cycle[0]].join(' → ');
  const message = cycle.length === 1 ? `"${cycle[0]}" needs itself.` : `These stages wait for each other: ${path}.`;
  return { code: 'PLAN_CYCLE', message, hint: 'Remove one of these needs.', ...(node?.range === undefined ? {} : { range: node.range }) };
};

/** Values, files and images come only from stages that are sure to have ended before: ancestors. */
const referenceProblems = (plan: Plan): readonly Problem[] => {
  const ancestors = ancestorsOf(plan);
  const gates = new Set(plan.nodes.filter((node) => node.kind === 'gate').map((node) => node.name));
  return plan.nodes
    .filter(isStage)
    .flatMap((stage) =>
      [...referencesOf(stage)]
        .filter((name) => gates.has(name) || !ancestors(stage.name).has(name))
        .map((name) =>
          gates.has(name)
            ? problem('PLAN_NOT_AN_ANCESTOR', stage, `"${stage.name}" uses what "${name}" makes, but that is a gate.`)
            : problem(
                'PLAN_NOT_AN_ANCESTOR',
                stage,
                `"${stage.name}" uses what "${name}" makes, but does not need it.`,
                `Add "${name}" to what "${stage.name}" needs.`,
              ),
        ),
    );
};

const referencesOf = (stage: Stage): ReadonlySet<string> => {
  return new Set([
    ...outputsAskedBy(stage),
    ...imagesOf(stage).flatMap((image) => (image.kind === 'stage' ? [image.stage] : [])),
    ...artifactsAskedBy(stage),
  ]);
};

/** Only a stage that commits leaves an image, only one that keeps files leaves some to mount. */
const nothingToUseProblems = (plan: Plan): readonly Problem[] => {
  const stages = new Map(plan.nodes.filter(isStage).map((stage) => [stage.name, stage]));
  return [...stages.values()].flatMap((stage) => [
    ...imagesOf(stage)
      .flatMap((image) => (image.kind === 'stage' && stages.get(image.stage)?.commit === undefined ? [image.stage] : []))
      .map((name) => problem('PLAN_NO_IMAGE', stage, `"${stage.name}" runs the image that "${name}" leaves, but "${name}" leaves none.`)),
    ...artifactsAskedBy(stage)
      .filter((name) => stages.get(name)?.artifacts === undefined)
      .map((name) =>
        problem('PLAN_NO_ARTIFACTS', stage, `"${stage.name}" mounts the files that "${name}" leaves, but "${name}" keeps none.`),
      ),
  ]);
};

/** Of two stages that mount one volume, one of them to write, one must come after the other. */
const parallelWriteProblems = (plan: Plan): readonly Problem[] => {
  const comesAfter = orderOf(plan);
  return [...usersOfVolumes(plan)].flatMap(([volume, users]) => {
    const reported = new Set<Stage>();
    return users
      .filter((user) => user.access === 'read-write')
      .flatMap(({ stage: writer }) => {
        reported.add(writer);
        return users
          .filter(({ stage }) => !reported.has(stage) && !comesAfter(writer, stage) && !comesAfter(stage, writer))
          .map(({ stage }) =>
            problem(
              'PLAN_PARALLEL_WRITE',
              stage,
              `"${writer.name}" and "${stage.name}" may run at the same time and share the volume "${volume}", which "${writer.name}" writes.`,
              'Let one need the other, or mount it read-only or as a copy.',
            ),
          );
      });
  });
};

const usersOfVolumes = (plan: Plan): ReadonlyMap<string, readonly { readonly stage: Stage; readonly access: Access }[]> => {
  const users = new Map<string, { readonly stage: Stage; readonly access: Access }[]>();
  const kept = new Map(plan.nodes.filter(isStage).map((stage) => [stage.name, stage.artifacts?.volume]));
  const add = (volume: string | undefined, stage: Stage, access: Access): void => {
    if (volume === undefined) return;
    const list = users.get(volume);
    if (list === undefined) users.set(volume, [{ stage, access }]);
    else list.push({ stage, access });
  };
  for (const stage of plan.nodes.filter(isStage)) {
    for (const mount of stage.mounts) if (mount.kind === 'volume') add(mount.volume, stage, mount.access);
    for (const volume of buildVolumesOf(stage)) add(volume, stage, 'read-only');
    for (const name of artifactsAskedBy(stage)) add(kept.get(name), stage, 'read-only');
  }
  return users;
};

/** Direct needs are looked at first: the ancestors of every stage of a long chain would take quadratic space. */
const orderOf = (plan: Plan): ((later: PlanNode, earlier: { readonly name: string }) => boolean) => {
  const ancestors = ancestorsOf(plan);
  return (later, earlier) => later.needs.some((need) => need.node === earlier.name) || ancestors(later.name).has(earlier.name);
};
