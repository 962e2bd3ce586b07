import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type PostedDocument, stageDocumentSchema } from '../../api/stage-document.ts';
import { isRunId } from '../../lib/ids.ts';
import type { StageSummary } from '../../results/results.ts';
import type { RouteDeps } from '../app-deps.ts';
import { HttpError } from '../http-error.ts';

const params = z.object({ run: z.string(), file: z.string().max(1024) });
const keptSchema = z.object({ key: z.string() });

/**
 * Where what runs elsewhere posts its stage documents (R-DCK-96): the object is in the results when it is answered. Of a run of ours, who may run its
 * project posts those of stages that no worker of ours carries; of another, an admin does.
 */
export const stageDocumentRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    app.post(
      '/dockercise/run/:run/:file',
      { schema: { params, body: stageDocumentSchema, response: { 201: keptSchema } } },
      async (request, reply) => {
        const { run, file } = request.params;
        const [, stage] = /^(.+)\.json$/s.exec(file) ?? [];
        if (!isRunId(run) || stage === undefined) throw new HttpError('NOT_FOUND', 404, 'There is nothing at this address.');
        if (request.headers.authorization === undefined)
          throw new HttpError('LOGIN_REQUIRED', 401, 'Stage documents are posted with a token.');
        const actor = await deps.actorOf(request);
        const [row] = await deps.runs.list({ run, limit: 1 });
        const project = row?.project;
        if (!(await deps.guard.may(actor, 'run', project))) {
          await deps.guard.note({ actor, action: 'document.post', outcome: 'refused', detail: { run, stage } });
          throw new HttpError('FORBIDDEN', 403, 'You may not post documents of this run.');
        }
        const state = row && (await deps.dispatcher.state(run));
        if (state?.nodes.has(stage) === true) {
          throw new HttpError('STAGE_CARRIED', 409, `The document of ${JSON.stringify(stage)} is written by the worker that runs it.`);
        }
        if (request.body.name !== stage)
          throw new HttpError('REQUEST_INVALID', 400, 'The name in the document is not that of its address.');
        await keep(deps, run, request.body);
        return reply.code(201).send({ key: `run/${run}/${file}` });
      },
    );
  };

const keep = async ({ results }: Pick<RouteDeps, 'results'>, run: string, document: PostedDocument): Promise<void> => {
  const key = { run, stage: document.name, attempt: document.attempt ?? 1 };
  const startedAt = Date.parse(document.started);
  const summary = summaryOf(document, startedAt);
  if (summary === undefined) await (await results.begin(key, startedAt)).close();
  else await results.finish(key, summary);
};

/** `undefined`: it has only begun. */
const summaryOf = (document: PostedDocument, startedAt: number): StageSummary | undefined => {
  const { finished, status, outcome, exitCode, message, image, container, logs, artefact } = document;
  if (finished === undefined) return undefined;
  return {
    outcome: outcome ?? (status === 'winning' ? 'passed' : 'failed'),
    startedAt,
    finishedAt: Date.parse(finished),
    hasLog: typeof logs === 'string',
    hasArtifacts: typeof artefact === 'string',
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(message === undefined ? {} : { message }),
    ...(image === undefined ? {} : { image }),
    ...(container === undefined ? {} : { container }),
  };
};
