import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { actedSchema, approvalSchema, begunSchema } from '../../api/acts.ts';
import { HttpError } from '../http-error.ts';
import type { Access } from '../routes/access.ts';
import { runParams } from '../routes/params.ts';
import type { RunStore } from '../../store/run-store.ts';
import type { ApproveRun } from './approve-run.ts';
import type { AskAgain } from './ask-again.ts';

export type ApprovalRoutes = {
  readonly access: Access;
  readonly runs: Pick<RunStore, 'list'>;
  readonly approve: ApproveRun;
  readonly askAgain: AskAgain;
};

/** Runs that wait for approval are approved or rejected, and those that ended so asked about anew, by who may decide in their project. */
export const approvalsPlugin =
  ({ access, runs, approve, askAgain }: ApprovalRoutes): FastifyPluginAsync =>
  async (root) => {
    root
      .withTypeProvider<ZodTypeProvider>()
      .post(
        '/api/projects/:owner/:name/runs/:number/approval',
        { schema: { params: runParams, body: approvalSchema, response: { 200: actedSchema } } },
        async (request) => {
          const asked = await access.run(request, 'decide');
          return { lastSeq: (await approve({ ...asked, wanted: request.body })).lastSeq };
        },
      )
      .post(
        '/api/projects/:owner/:name/runs/:number/approval/again',
        { schema: { params: runParams, response: { 200: begunSchema, 201: begunSchema } } },
        async (request, reply) => {
          const begun = await askAgain(await access.run(request, 'decide'));
          const [row] = await runs.list({ run: begun.run, limit: 1 });
          if (row === undefined) throw new HttpError('RUN_UNKNOWN', 404, 'The run was removed as soon as it was there.');
          return reply.code(begun.kind === 'created' ? 201 : 200).send({ ...begun, number: row.number });
        },
      );
  };
