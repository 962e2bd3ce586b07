import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { projectOf, projectParams } from '../../api/project-name.ts';
import type { ProjectStore } from '../../store/projects.ts';
import type { Actor, Guard } from '../actor.ts';
import type { ProjectSecrets } from './project-secrets.ts';
import { projectUnknown } from '../http-error.ts';
import { permit } from '../permit.ts';
import { SecretError } from './secret-error.ts';

export type SecretsPluginDeps = {
  readonly secrets: Pick<ProjectSecrets, 'put' | 'list' | 'remove'>;
  readonly projects: Pick<ProjectStore, 'get'>;
  readonly actorOf: (request: FastifyRequest) => Promise<Actor>;
  readonly guard: Guard;
};

const ofSecret = projectParams.extend({ secret: z.string().min(1).max(200) });
const texts = z.array(z.string().min(1).max(300)).max(100).readonly().default([]);
const kind = z.enum(['secret', 'variable', 'identity']);
const triggers = z
  .array(z.enum(['manual', 'push', 'tag', 'pull-request', 'schedule', 'package', 'pipeline']))
  .max(10)
  .readonly()
  .default([]);
const scope = z.strictObject({ pipelines: texts, branches: texts, environments: texts, triggers });
const shown = z.object({ name: z.string(), kind, scope, by: z.string(), at: z.int() });
const put = z.strictObject({ value: z.string().max(100_000), kind: kind.default('secret'), scope: scope.prefault({}) });

/** The secrets of a project, for who has the right to them: they are written, replaced and removed; nobody reads a value back. */
export const secretsPlugin = ({ secrets, projects, actorOf, guard }: SecretsPluginDeps): FastifyPluginAsync => {
  const projectFor = async (request: FastifyRequest, action: string): Promise<{ readonly actor: Actor; readonly project: string }> => {
    const project = projectOf(request.params as z.infer<typeof projectParams>);
    const actor = await actorOf(request);
    await permit(guard, actor, 'secrets', { action, project });
    if ((await projects.get(project)) === undefined) throw projectUnknown(project);
    return { actor, project };
  };

  return async (root) => {
    const app = root.withTypeProvider<ZodTypeProvider>();

    app.get(
      '/api/projects/:owner/:name/secrets',
      { schema: { params: projectParams, response: { 200: z.array(shown).readonly() } } },
      (request) => projectFor(request, 'secret.list').then(({ project }) => secrets.list(project)),
    );

    app.put(
      '/api/projects/:owner/:name/secrets/:secret',
      { schema: { params: ofSecret, body: put, response: { 204: z.null() } } },
      async (request, reply) => {
        const { actor, project } = await projectFor(request, 'secret.put');
        const name = request.params.secret;
        await secrets.put({ ...request.body, project, name, by: actor.kind === 'account' ? actor.name : '' });
        await guard.note({ actor, action: 'secret.put', project, outcome: 'done', detail: { name, kind: request.body.kind } });
        return reply.code(204).send(null);
      },
    );

    app.delete(
      '/api/projects/:owner/:name/secrets/:secret',
      { schema: { params: ofSecret, response: { 204: z.null() } } },
      async (request, reply) => {
        const { actor, project } = await projectFor(request, 'secret.remove');
        const name = request.params.secret;
        if (!(await secrets.remove(project, name))) throw new SecretError('SECRET_UNKNOWN', `The project has no secret ${name}.`);
        await guard.note({ actor, action: 'secret.remove', project, outcome: 'done', detail: { name } });
        return reply.code(204).send(null);
      },
    );
  };
};
