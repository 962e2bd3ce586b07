import { z } from 'zod';
import type { Claimed, ItemReport, WorkerFact } from '../../api/worker-protocol.ts';
import { artifactsVolume } from '../../engine/items.ts';
import { parseImageReference } from '../../plan/image-reference.ts';
import type { Stage, Steps } from '../../plan/plan.ts';
import type { FileTree } from '../../run/run-event.ts';
import { DispatchError } from './dispatch-error.ts';
import { type ItemKey, itemKeyOf } from './item-id.ts';
import { writableVolumes } from './volumes.ts';

/**
 * What a worker may say (atk-16): facts of its own attempt alone, of known kinds, with nothing more in them than these have, and of bounded size. Whatever else
 * comes is refused with WORKER_REPORT_INVALID.
 */
export const checkedReport = (report: ItemReport): ItemReport & { readonly key: ItemKey } => {
  const key = itemKeyOf(report.item);
  if (key === undefined) throw invalid(report.item, 'is no item');
  const facts = report.facts.map((fact) => checkedFact(report.item, key, fact));
  if (facts.length > maxFacts) throw invalid(report.item, `has more than ${maxFacts} facts`);
  if (facts.length > 0 && report.sequence < 1) throw invalid(report.item, 'has facts and no sequence');
  if (facts.slice(0, -1).some(({ kind }) => kind === 'stage.finished')) throw invalid(report.item, 'goes on after its end');
  if (report.giveBack === true && facts.at(-1)?.kind === 'stage.finished') throw invalid(report.item, 'has ended and is given back');
  return { ...report, facts, key };
};

/** Whether facts fit the stage and the item that were handed out: the volumes, images and steps that they name are its own. */
export const checkFactsOf = (item: string, facts: readonly WorkerFact[], stage: Stage, work: Claimed['work']): void => {
  const volumes = writableVolumes(work);
  const checkTree = (tree: FileTree | undefined): void => {
    const own = [work.stage.artifacts?.volume, artifactsVolume(stage.name, work.attempt)];
    if (tree !== undefined && !own.includes(tree.volume)) throw invalid(item, 'left files in a volume that is not its own');
  };
  for (const fact of facts) {
    if (fact.kind === 'volume.kept' && !volumes.has(fact.volume)) throw invalid(item, 'kept a volume that is not its own');
    if ((fact.kind === 'step.started' || fact.kind === 'step.finished') && !hasStep(stage, fact.step))
      throw invalid(item, 'has no such step');
    if (fact.kind !== 'stage.finished') continue;
    checkTree(fact.tree);
    if (fact.artifacts !== undefined && fact.artifacts.key !== `${stage.name}.zip`)
      throw invalid(item, 'left artifacts under a name that is not its own');
    if (fact.stepArtifacts !== undefined && fact.stepArtifacts.key !== `${stage.name}.steps.zip`)
      throw invalid(item, 'left artifacts of steps under a name that is not its own');
    if (fact.image !== undefined && stage.commit === undefined) throw invalid(item, 'left an image that nobody asked for');
  }
};

const maxFacts = 10_000;

const invalid = (item: string, what: string): DispatchError =>
  new DispatchError('WORKER_REPORT_INVALID', `The report of a worker about ${JSON.stringify(item.slice(0, 300))} is refused: it ${what}.`);

const checkedFact = (item: string, key: ItemKey, fact: WorkerFact): WorkerFact => {
  const parsed = workerFact.safeParse(fact);
  if (!parsed.success)
    throw invalid(item, `has a fact that is not one of a worker (${parsed.error.issues[0]?.path.join('.') || 'its kind'})`);
  if (fact.stage !== key.stage || fact.attempt !== key.attempt) throw invalid(item, 'has a fact about another attempt');
  return fact;
};

const hasStep = ({ command, done }: Stage, id: string): boolean =>
  [command, done?.command]
    .filter((each): each is Steps => each?.kind === 'steps')
    .some(({ steps, after }) => [...steps, ...after].some((step) => step.id === id));

const name = z.string().min(1).max(1_000);
const sentence = z.string().max(20_000);
const count = z.int().min(0);
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** Trees go by the bare digits. */
const treeDigest = z.string().regex(/^(?:sha256:)?[0-9a-f]{64}$/);
/** An engine says of an image that was never in a registry what it likes. */
const imageDigest = z.string().max(300);
const reference = name.refine((text) => parseImageReference(text).ok || digest.safeParse(text).success);
const image = z.strictObject({ reference, digest: imageDigest });
const output = z.strictObject({ bytes: count, digest });
const insidePath = name.refine((path) => !path.startsWith('/') && !path.split('/').includes('..'));
const tree = z.strictObject({ volume: name, directory: insidePath.optional() });
const file = z.strictObject({
  path: z.string().max(10_000),
  bytes: count,
  mode: z.int().min(0).max(0o7777),
  digest: z.string().max(100).optional(),
  target: z.string().max(10_000).optional(),
});
const artifacts = z.strictObject({ key: name, bytes: count, files: z.array(file).max(1_000_000) });
const step = z.strictObject({ id: name, name, message: sentence.optional() });
const causeParts = { part: z.literal('done').optional(), step: step.optional() };
const timeout = z.strictObject({ kind: z.literal('timeout'), limit: z.enum(['total', 'silent']), ms: z.number().min(0), ...causeParts });
const cause = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exit'), code: z.int(), ...causeParts }),
  z.strictObject({ kind: z.literal('signal'), signal: z.string().max(20), ...causeParts }),
  z.strictObject({ kind: z.literal('oom'), ...causeParts }),
  timeout,
  z.strictObject({ kind: z.literal('error'), code: z.string().regex(/^[A-Z][A-Z0-9_]{0,99}$/), message: sentence, ...causeParts }),
  z.strictObject({ kind: z.literal('cancelled'), ...causeParts }),
]);
const ended = z.enum(['passed', 'failed', 'errored', 'cancelled']);
const numbers = z.record(z.string().max(200), z.string().max(1_000)).refine((record) => Object.keys(record).length <= 1_000);
const own = { stage: name, attempt: z.int().min(1) };
const log = z.strictObject({ stdout: count, stderr: count });

const workerFact = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('stage.preparing'), ...own, worker: name.optional() }),
  z.strictObject({
    kind: z.literal('image.resolved'),
    ...own,
    reference,
    digest: imageDigest,
    pulled: z.boolean(),
    ofRegistry: z.literal(true).exactOptional(),
  }),
  z.strictObject({ kind: z.literal('stage.started'), ...own, container: name }),
  z.strictObject({ kind: z.literal('stage.done-started'), ...own, container: name, output: output.optional() }),
  z.strictObject({ kind: z.literal('step.started'), ...own, step: name, log }),
  z.strictObject({
    kind: z.literal('step.finished'),
    ...own,
    step: name,
    outcome: ended,
    exitCode: z.int().optional(),
    cause: timeout.optional(),
    message: sentence.optional(),
    numbers: numbers.optional(),
    image: image.optional(),
  }),
  z.strictObject({ kind: z.literal('stage.noted'), ...own, text: sentence, aside: z.literal(true).optional() }),
  z.strictObject({ kind: z.literal('volume.kept'), ...own, volume: name, tree: treeDigest, bytes: count }),
  z.strictObject({
    kind: z.literal('stage.finished'),
    ...own,
    outcome: ended,
    cause: cause.optional(),
    output: output.optional(),
    artifacts: artifacts.optional(),
    stepArtifacts: artifacts.optional(),
    tree: tree.optional(),
    image: image.optional(),
  }),
]);
