import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { ownersSchema, projectSchema, projectsQuerySchema, projectsSchema, queueSchema } from '../../api/lists.ts';
import { paths } from '../../api/paths.ts';
import { ownerOf, projectParams } from '../../api/project-name.ts';
import { repositoryKey } from '../../source/repository-key.ts';
import type { Project } from '../../store/projects.ts';
import type { RouteDeps } from '../app-deps.ts';
import { accessOf } from './access.ts';

/** What there is on this server, as far as who asks may see it; and the one queue (R-CIO-03). */
export const projectRoutes =
  (deps: RouteDeps): FastifyPluginAsyncZod =>
  async (app) => {
    const access = accessOf(deps);
    const visibleTo = async (request: FastifyRequest): Promise<(project: string) => Promise<boolean>> => {
      const actor = await deps.actorOf(request);
      const asked = new Map<string, Promise<boolean>>();
      return (project) => {
        const answer = asked.get(project) ?? deps.guard.may(actor, 'read', project);
        asked.set(project, answer);
        return answer;
      };
    };
    const visible = async (request: FastifyRequest): Promise<readonly Project[]> => {
      const maySee = await visibleTo(request);
      const all = await deps.projects.list();
      const seen = await Promise.all(all.map(({ name }) => maySee(name)));
      return all.filter((_, i) => seen[i]);
    };

    app.get(paths.owners, { schema: { response: { 200: ownersSchema } } }, async (request) => ({
      owners: [...new Set((await visible(request)).map(({ name }) => ownerOf(name)))],
    }));

    app.get(paths.projects, { schema: { querystring: projectsQuerySchema, response: { 200: projectsSchema } } }, async (request) => {
      const { owner, repository } = request.query;
      const isAsked = ({ name, cloneUrl }: Project): boolean =>
        (owner === undefined || ownerOf(name) === owner) && (repository === undefined || repositoryKey(cloneUrl) === repository);
      return { projects: (await visible(request)).filter(isAsked).map(projectJson) };
    });

    app.get('/api/projects/:owner/:name', { schema: { params: projectParams, response: { 200: projectSchema } } }, async (request) =>
      projectJson((await access.project(request, 'read')).project),
    );

    app.get(paths.queue, { schema: { response: { 200: queueSchema } } }, async (request) => {
      const maySee = await visibleTo(request);
      const all = await deps.queue.list();
      const seen = await Promise.all(all.map(({ project }) => maySee(project)));
      const shown = all.filter((_, i) => seen[i]);
      const numbers = await numbersOf(deps, new Set(shown.map(({ run }) => run)));
      // One whose run has gone meanwhile is no item any more.
      const items = shown.flatMap((item) => {
        const number = numbers.get(item.run);
        return number === undefined ? [] : [{ ...item, number }];
      });
      return { items, hidden: all.length - shown.length };
    });
  };

const numbersOf = async ({ runs }: Pick<RouteDeps, 'runs'>, wanted: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> => {
  const rows = await Promise.all([...wanted].map((run) => runs.list({ run, limit: 1 })));
  return new Map(rows.flat().map(({ run, number }) => [run, number]));
};

const projectJson = ({ name, defaultBranch, visibility, forge, createdAt }: Project): z.output<typeof projectSchema> => ({
  name,
  defaultBranch,
  visibility,
  ...(forge === undefined ? {} : { forge: forge.kind }),
  createdAt,
});
