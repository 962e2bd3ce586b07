import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { rollbackSchema, rolledBackSchema } from '../../api/acts.ts';
import type { RunRequests } from '../../store/run-requests.ts';
import type { RunStore } from '../../store/run-store.ts';
import type { Guard } from '../actor.ts';
import { HttpError } from '../http-error.ts';
import { nameOf, type ProjectAccess } from '../project-access.ts';
import { environmentParams } from '../routes/params.ts';
import type { BeginRun } from './begin-run.ts';
import type { ReleaseOf } from './release.ts';
import { requestOf } from './request-of.ts';
import { wantedRelease } from './wanted-release.ts';

export type RollbackDeps = {
  readonly access: ProjectAccess;
  readonly runs: Pick<RunStore, 'deployments' | 'list'>;
  readonly requests: Pick<RunRequests, 'of'>;
  readonly releaseOf: ReleaseOf;
  readonly beginRun: BeginRun;
  readonly guard: Guard;
};

/** An earlier release of an environment runs again, in a run of its own, for who may run (R-CIO-18). */
export const rollbackPlugin =
  ({ access, runs, requests, releaseOf, beginRun, guard }: RollbackDeps): FastifyPluginAsync =>
  async (root) => {
    const app = root.withTypeProvider<ZodTypeProvider>();
    app.post(
      '/api/projects/:owner/:name/environments/:environment/rollback',
      { schema: { params: environmentParams, body: rollbackSchema, response: { 200: rolledBackSchema, 201: rolledBackSchema } } },
      async (request, reply) => {
        const { actor, project } = await access(request, 'run');
        const { environment } = request.params;
        const { run, once } = request.body;
        const from = await wantedRelease(runs, { project: project.name, environment, ...(run === undefined ? {} : { run }) });
        const { of, plan } = await releaseOf(from.run, environment);
        const kept = await requests.of(from.run);
        const { target, variables } = kept === undefined ? {} : requestOf(kept);
        const { commit } = of.fetch.source ?? {};
        const begun = await beginRun({
          project: project.name,
          pipeline: plan.pipeline,
          trigger: { kind: 'manual', by: nameOf(actor), from: from.run, fromNumber: from.number },
          again: { run: from.run, environment },
          ...(commit === undefined ? {} : { commit }),
          ...(target === undefined ? {} : { target }),
          ...(variables === undefined ? {} : { variables }),
          ...(once === undefined ? {} : { once: `rollback/${once}` }),
        });
        const [row] = await runs.list({ run: begun.run, limit: 1 });
        if (row === undefined) throw new HttpError('RUN_UNKNOWN', 404, 'The run was removed as soon as it was there.');
        await guard.note({
          actor,
          action: 'environment.rollback',
          project: project.name,
          outcome: 'done',
          detail: { environment, run: begun.run, from: from.run },
        });
        return reply.code(begun.kind === 'created' ? 201 : 200).send({ ...begun, number: row.number, from: from.number });
      },
    );
  };
