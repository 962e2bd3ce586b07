import { z } from 'zod';
import { deploymentSchema } from './run-json.ts';
import { artifactRefSchema, outcomeSchema, phaseSchema, triggerSchema } from './run-schemas.ts';

/** What is listed, and how it is asked for. Lists have the newest first. */

const at = z.number();
const limit = (most: number) => z.coerce.number().int().min(1).max(most).default(50);
const text = z.string().min(1).max(1024);

export const ownersSchema = z.object({ owners: z.array(z.string()).readonly() });

export const projectSchema = z
  .object({
    name: z.string(),
    defaultBranch: z.string(),
    visibility: z.enum(['public', 'private']),
    forge: z.enum(['github', 'gitlab', 'gitea']).exactOptional(),
    createdAt: at,
  })
  .meta({ id: 'Project' });
export const projectsSchema = z.object({ projects: z.array(projectSchema).readonly() });
/** `repository`: only those that are cloned from it; see source/repository-key.ts. */
export const projectsQuerySchema = z.object({ owner: text.exactOptional(), repository: text.exactOptional() });

export const runRowSchema = z
  .object({
    run: z.string(),
    project: z.string(),
    number: z.int(),
    pipeline: z.string(),
    phase: phaseSchema,
    outcome: outcomeSchema.exactOptional(),
    trigger: triggerSchema,
    commit: z.string().exactOptional(),
    branch: z.string().exactOptional(),
    subject: z.string().exactOptional(),
    digest: z.string().exactOptional(),
    createdAt: at,
    startedAt: at.exactOptional(),
    finishedAt: at.exactOptional(),
    lastSeq: z.int(),
  })
  .meta({ id: 'RunRow' });
/** `next`: there may be more, to be asked for with `before`. */
export const runsSchema = z.object({ runs: z.array(runRowSchema).readonly(), next: z.string().exactOptional() });
export const runsQuerySchema = z.object({
  branch: text.exactOptional(),
  commit: text.exactOptional(),
  pipeline: text.exactOptional(),
  outcome: outcomeSchema.exactOptional(),
  finished: z.enum(['true', 'false']).exactOptional(),
  before: text.exactOptional(),
  limit: limit(200),
});

export const queueSchema = z.object({
  items: z
    .array(
      z.object({
        /** `<run>/<stage>/<attempt>`. */
        id: z.string(),
        run: z.string(),
        project: z.string(),
        /** Of the run. */
        number: z.int(),
        pipeline: z.string(),
        stage: z.string(),
        attempt: z.int(),
        priority: z.number(),
        labels: z.array(z.string()).readonly(),
        group: z.object({ name: z.string(), limit: z.int() }).exactOptional(),
        /** Only this one may take it. */
        worker: z.string().exactOptional(),
        at,
        claim: z.object({ worker: z.string(), at }).exactOptional(),
      }),
    )
    .readonly(),
  /** How many more there are, of projects that who asks may not see. */
  hidden: z.int(),
});

export const deploymentRowSchema = deploymentSchema.extend({
  run: z.string(),
  number: z.int(),
  project: z.string(),
  pipeline: z.string(),
  stage: z.string(),
});
export type DeploymentJson = z.output<typeof deploymentRowSchema>;
export const deploymentsSchema = z.object({ deployments: z.array(deploymentRowSchema).readonly() });
export const deploymentsQuerySchema = z.object({ environment: text.exactOptional(), limit: limit(1000) });

/** `now`: the newest deployment there; `parts`: the newest of each stage that deploys there. */
export const environmentSchema = z
  .object({ environment: z.string(), now: deploymentRowSchema, parts: z.array(deploymentRowSchema).readonly() })
  .meta({ id: 'Environment' });
export type EnvironmentJson = z.output<typeof environmentSchema>;
export const environmentsSchema = z.object({ environments: z.array(environmentSchema).readonly() });

/** What is at `from` and at `to` now. `differs` names what is not the same; empty: nothing. */
export const differenceSchema = z.object({
  from: deploymentRowSchema,
  to: deploymentRowSchema,
  differs: z.array(z.enum(['commit', 'changedFiles', 'image'])).readonly(),
});

export const filesSchema = z.object({ files: artifactRefSchema.shape.files });
export const whySchema = z.object({ sentences: z.array(z.string()).readonly() });

/** As in run/run-event.ts, which names the kinds. */
export const eventsSchema = z.object({ events: z.array(z.looseObject({ seq: z.int(), at, kind: z.string() })).readonly() });
export const eventsQuerySchema = z.object({ after: z.coerce.number().int().nonnegative().default(0), limit: limit(1000).default(1000) });
