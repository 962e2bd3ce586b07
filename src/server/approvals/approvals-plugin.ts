import type { FastifyPluginAsync } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { actedSchema, approvalSchema } from '../../api/acts.ts';
import type { Access } from '../routes/access.ts';
import { runParams } from '../routes/params.ts';
import type { ApproveRun } from './approve-run.ts';

/** Runs that wait for approval are approved or rejected by who may decide in their project. */
export const approvalsPlugin =
  ({ access, approve }: { readonly access: Access; readonly approve: ApproveRun }): FastifyPluginAsync =>
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
      );
  };
