import { z } from 'zod';
import type { Plan } from '../plan/plan.ts';
import type { Problem } from '../plan/problem.ts';
import type { AttemptState, NodeState, RunState } from '../run/run-state.ts';
import {
  causeSchema,
  imageSchema,
  outcomeSchema,
  outputRefSchema,
  phaseSchema,
  skipCauseSchema,
  stepStateSchema,
  triggerSchema,
} from './run-schemas.ts';

const at = z.number();

/** Of files: how many and how large; which they are is asked for apart. */
const filesSchema = z.object({ key: z.string(), bytes: z.int(), files: z.int() });

const attemptSchema = z
  .object({
    attempt: z.int(),
    phase: z.enum(['queued', 'preparing', 'running', 'finished']),
    because: causeSchema.exactOptional(),
    queuedAt: at,
    worker: z.string().exactOptional(),
    lostSince: at.exactOptional(),
    startedAt: at.exactOptional(),
    finishedAt: at.exactOptional(),
    outcome: outcomeSchema.exactOptional(),
    cause: causeSchema.exactOptional(),
    image: imageSchema.extend({ pulled: z.boolean() }).exactOptional(),
    container: z.string().exactOptional(),
    output: outputRefSchema.exactOptional(),
    artifacts: filesSchema.exactOptional(),
    stepArtifacts: filesSchema.exactOptional(),
    done: z.object({ startedAt: at, container: z.string() }).exactOptional(),
    committed: imageSchema.exactOptional(),
    /** News of what was done with its container. */
    notes: z.array(z.string()).readonly().exactOptional(),
    steps: z.array(stepStateSchema).readonly(),
  })
  .meta({ id: 'Attempt' });

export const decisionSchema = z.object({
  kind: z.enum(['approved', 'rejected', 'expired']),
  by: z.string(),
  at,
  reason: z.string().exactOptional(),
});

const nodeRest = {
  name: z.string(),
  phase: phaseSchema,
  outcome: outcomeSchema.exactOptional(),
  skip: skipCauseSchema.exactOptional(),
};

const nodeSchema = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('stage'), ...nodeRest, attempts: z.array(attemptSchema).readonly() }),
    z.object({
      kind: z.literal('gate'),
      ...nodeRest,
      openedAt: at.exactOptional(),
      finishedAt: at.exactOptional(),
      decision: decisionSchema.exactOptional(),
    }),
  ])
  .meta({ id: 'Node' });

export const sourceSchema = z.object({
  commit: z.string().exactOptional(),
  branch: z.string().exactOptional(),
  subject: z.string().exactOptional(),
  tree: z.string().exactOptional(),
  changedFiles: z.int(),
  files: z.int(),
  bytes: z.int(),
});

export const deploymentSchema = z
  .object({
    environment: z.string(),
    commit: z.string().exactOptional(),
    changedFiles: z.int(),
    image: imageSchema,
    artifacts: z.string().exactOptional(),
    at,
  })
  .meta({ id: 'Deployment' });

/** One run with all that is known of it: its state as a document. Times are epoch ms. Text in it is anybody's: it is shown and never executed. */
export const runSchema = z
  .object({
    run: z.string(),
    number: z.int(),
    project: z.string(),
    pipeline: z.string().exactOptional(),
    phase: phaseSchema,
    outcome: outcomeSchema.exactOptional(),
    trigger: triggerSchema,
    createdAt: at,
    finishedAt: at.exactOptional(),
    cancel: z.object({ by: z.string(), force: z.boolean() }).exactOptional(),
    /** Its commit comes from a fork and was, or is, to be approved. */
    approval: z.object({ commit: z.string(), askedAt: at, until: at, decision: decisionSchema.exactOptional() }).exactOptional(),
    fetch: z.object({
      phase: phaseSchema,
      outcome: outcomeSchema.exactOptional(),
      startedAt: at.exactOptional(),
      finishedAt: at.exactOptional(),
      source: sourceSchema.exactOptional(),
      message: z.string().exactOptional(),
      problems: z.array(z.custom<Problem>()).readonly().exactOptional(),
    }),
    plan: z.custom<Plan>().exactOptional(),
    digest: z.string().exactOptional(),
    only: z.array(z.string()).readonly().exactOptional(),
    nodes: z.array(nodeSchema).readonly(),
    deployments: z.array(deploymentSchema.extend({ stage: z.string() })).readonly(),
    /** News of it as a whole. */
    notes: z.array(z.string()).readonly().exactOptional(),
    /** The number of its newest event: events after it are news. */
    lastSeq: z.int(),
  })
  .meta({ id: 'Run' });

export type RunJson = z.output<typeof runSchema>;

export const runJson = (state: RunState): RunJson => {
  const { nodes, only, plan, filledVolumes: _filled, sourceTree: _tree, openNodes: _open, failures: _failures, ...rest } = state;
  return {
    ...rest,
    ...(plan === undefined ? {} : { pipeline: plan.pipeline, plan }),
    ...(only === undefined ? {} : { only: [...only] }),
    nodes: Array.from(nodes.values(), nodeJson),
  };
};

const nodeJson = (node: NodeState): RunJson['nodes'][number] => {
  if (node.kind === 'gate') return node;
  const { rerun: _rerun, attempts, ...rest } = node;
  return { ...rest, attempts: attempts.map(attemptJson) };
};

const attemptJson = ({ artifacts, stepArtifacts, keptVolumes: _kept, tree: _tree, ...rest }: AttemptState) => ({
  ...rest,
  ...(artifacts === undefined ? {} : { artifacts: { ...artifacts, files: artifacts.files.length } }),
  ...(stepArtifacts === undefined ? {} : { stepArtifacts: { ...stepArtifacts, files: stepArtifacts.files.length } }),
});
