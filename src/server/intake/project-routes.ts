import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { deliveryRow } from '../../api/deliveries.ts';
import { credentialRequest, settingsRequest, settingsSchema } from '../../api/projects.ts';
import { projectOf as nameIn, projectParams } from '../../api/project-name.ts';
import type { Project, ProjectSettings } from '../../store/projects.ts';
import type { Actor, Right } from '../actor.ts';
import {
  type AskedForge,
  connect,
  disconnect,
  type GivenCredential,
  hookUrlOf,
  newProject,
  ownRepository,
  projectOf,
  sealedCredential,
} from './connect.ts';
import type { ApiFor, ForgeSite, IntakeDeps } from './intake-deps.ts';
import { loginRequired, projectUnknown } from '../http-error.ts';
import { actionOf, permit } from '../permit.ts';
import { IntakeError } from './intake-error.ts';
import { webhookContext } from './project-secrets.ts';
import { connectBody, repositoryList } from './project-shapes.ts';
import { shownDeliveries } from './shown-deliveries.ts';

export type ProjectRouteDeps = Omit<IntakeDeps, 'forges' | 'beginRun'> & { readonly apiFor: ApiFor };

/**
 * How repositories become projects, what their owners chose, and what forges told of them. Who may not see a project is told that there is none; who may not
 * change it, so.
 */
export const projectRoutes = (deps: ProjectRouteDeps): FastifyPluginAsync => {
  const { projects, deliveries, runs, sites, dispatcher, actorOf, guard, sealer, publicUrl, apiFor } = deps;

  const permitted = async (request: FastifyRequest, right: Right, project?: string): Promise<Actor> => {
    const actor = await actorOf(request);
    await permit(guard, actor, right, { action: actionOf(request), ...(project === undefined ? {} : { project }) });
    return actor;
  };

  /** The project, once the asker may that. */
  const projectFor = async (request: FastifyRequest, right: Right): Promise<{ readonly actor: Actor; readonly project: Project }> => {
    const name = nameIn(request.params as z.infer<typeof projectParams>);
    const actor = await permitted(request, right, name);
    const project = await projects.get(name);
    if (project === undefined) throw projectUnknown(name);
    return { actor, project };
  };

  /** A person at a forge: who they are there is their login, not what they say. */
  const askedForge = async (request: FastifyRequest, kind: ForgeSite['kind']): Promise<AskedForge & { readonly actor: Actor }> => {
    const actor = await permitted(request, 'settings');
    if (actor.kind !== 'account') throw loginRequired();
    const site = sites.find((one) => one.kind === kind);
    if (site === undefined) throw new IntakeError('FORGE_NOT_SET_UP', `This server is not set up for ${kind}.`);
    const api = await apiFor(site, actor.account);
    if (api === undefined) throw new IntakeError('FORGE_LOGIN_MISSING', `Log in with your account of ${kind} first.`);
    return { kind, url: site.url, account: actor.account, api, actor };
  };

  const connectForge = async (
    request: FastifyRequest,
    kind: ForgeSite['kind'],
    repository: string,
    credential: GivenCredential | undefined,
  ): Promise<Project> => {
    const forge = await askedForge(request, kind);
    const found = await ownRepository(forge, repository);
    const before = await projectOf(deps, forge, repository);
    if (before !== undefined) await permitted(request, 'settings', before.name);
    const project = await connect(deps, forge, found, credential);
    await noteDone(forge.actor, 'project.connect', project.name, { forge: kind, repository });
    return project;
  };

  const addGit = async (
    request: FastifyRequest,
    { forge: _git, credential, ...given }: z.infer<ReturnType<typeof connectBody>> & { readonly forge: 'git' },
  ) => {
    const actor = await permitted(request, 'admin');
    const project = newProject(deps, { ...given, ...(credential === undefined ? {} : { credential }) });
    if (!(await projects.add(project))) throw new IntakeError('PROJECT_EXISTS', `There is a project ${project.name} already.`);
    await noteDone(actor, 'project.connect', project.name, { forge: 'git' });
    return project;
  };

  const noteDone = (actor: Actor, action: string, project: string, detail: Readonly<Record<string, string>>): Promise<void> =>
    guard.note({ actor, action, project, outcome: 'done', detail });

  return async (root) => {
    const app = root.withTypeProvider<ZodTypeProvider>();

    app.get(
      '/api/repositories',
      { schema: { querystring: z.object({ forge: z.enum(['github', 'gitlab', 'gitea']) }), response: { 200: repositoryList } } },
      async (request) => {
        const forge = await askedForge(request, request.query.forge);
        const [own, all] = await Promise.all([forge.api.repositories(), projects.list()]);
        return own.map(({ id, name, visibility }) => {
          const project = all.find((one) => one.forge?.url === forge.url && one.forge.repository === id);
          return { id, name, visibility, ...(project === undefined ? {} : { project: project.name }) };
        });
      },
    );

    app.post(
      '/api/projects',
      {
        schema: {
          body: connectBody(deps),
          response: { 200: settingsSchema.extend({ hook: z.object({ url: z.string(), secret: z.string() }).optional() }) },
        },
      },
      async (request) => {
        const { body } = request;
        if (body.forge !== 'git') return shown(await connectForge(request, body.forge, body.repository, body.credential));
        const project = await addGit(request, body);
        const secret = sealer.open(project.webhookSecret, webhookContext(project.name)).toString('utf8');
        return { ...shown(project), hook: { url: hookUrlOf(publicUrl, 'git', project.name), secret } };
      },
    );

    const ofSettings = { params: projectParams, response: { 200: settingsSchema } };
    app.get('/api/projects/:owner/:name/settings', { schema: ofSettings }, async (request) =>
      shown((await projectFor(request, 'settings')).project),
    );

    app.patch('/api/projects/:owner/:name/settings', { schema: { ...ofSettings, body: settingsRequest } }, async (request) => {
      const { actor, project } = await projectFor(request, 'settings');
      const { settings, ...rest } = request.body;
      const changed = await projects.change(project.name, (before) => ({
        ...before,
        ...defined(rest),
        settings: settingsOf({ ...before.settings, ...defined(settings ?? {}) }),
      }));
      if (changed === undefined) throw projectUnknown(project.name);
      if (settings !== undefined) await dispatcher.policyChanged(project.name);
      await noteDone(actor, 'project.settings', project.name, {
        changed: [...Object.keys(rest), ...Object.keys(settings ?? {})].join(' '),
      });
      return shown(changed);
    });

    app.put(
      '/api/projects/:owner/:name/credential',
      { schema: { params: projectParams, body: credentialRequest, response: { 200: settingsSchema } } },
      async (request) => {
        const { actor, project } = await projectFor(request, 'secrets');
        const changed = await projects.change(project.name, (before) => ({ ...before, ...sealedCredential(sealer, before, request.body) }));
        if (changed === undefined) throw projectUnknown(project.name);
        await noteDone(actor, 'project.credential', project.name, { user: request.body.user });
        return shown(changed);
      },
    );

    app.delete(
      '/api/projects/:owner/:name/credential',
      { schema: { params: projectParams, response: { 200: settingsSchema } } },
      async (request) => {
        const { actor, project } = await projectFor(request, 'secrets');
        const changed = await projects.change(project.name, ({ credential: _gone, ...before }) => before);
        if (changed === undefined) throw projectUnknown(project.name);
        await noteDone(actor, 'project.credential', project.name, { removed: 'true' });
        return shown(changed);
      },
    );

    app.delete(
      '/api/projects/:owner/:name',
      {
        schema: {
          params: projectParams,
          querystring: z.object({ force: z.enum(['true', 'false']).default('false') }),
          response: { 200: z.object({ isClean: z.boolean() }) },
        },
      },
      async (request) => {
        const { actor, project } = await projectFor(request, 'settings');
        const [live] = await runs.list({ project: project.name, finished: false, limit: 1 });
        if (live !== undefined)
          throw new IntakeError('PROJECT_BUSY', `Run ${live.number} of ${project.name} has not ended. Cancel it first.`);
        const own = actor.kind === 'account' ? await apiFor(project.forge, actor.account) : undefined;
        const api = own ?? (await apiFor(project.forge, project.forge?.account));
        const { isClean } = await disconnect(deps, project, { api, force: request.query.force === 'true' });
        await noteDone(
          actor,
          'project.disconnect',
          project.name,
          isClean ? {} : { left: 'webhook and deploy key may still be at the forge' },
        );
        return { isClean };
      },
    );

    app.get(
      '/api/projects/:owner/:name/deliveries',
      { schema: { params: projectParams, response: { 200: deliveryRow.array().readonly() } } },
      async (request) => {
        const { project } = await projectFor(request, 'settings');
        return shownDeliveries(await deliveries.list(project.name, 100), runs);
      },
    );
  };
};

const shown = ({
  name,
  cloneUrl,
  defaultBranch,
  visibility,
  forge,
  deployKey,
  credential,
  settings,
  createdAt,
}: Project): z.infer<typeof settingsSchema> => ({
  name,
  cloneUrl,
  defaultBranch,
  visibility,
  ...(forge === undefined ? {} : { forge: { kind: forge.kind, repository: forge.repository, isGone: forge.goneAt !== undefined } }),
  ...(deployKey === undefined ? {} : { deployKey: deployKey.public }),
  ...(credential === undefined ? {} : { credential: { origin: credential.origin, user: credential.user } }),
  settings,
  createdAt,
});

/** Without the fields that are not given. */
const defined = <T extends object>(given: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };

/** `limit: null` takes the limit away. */
const settingsOf = ({ limit, ...settings }: Omit<ProjectSettings, 'limit'> & { readonly limit?: number | null }): ProjectSettings => ({
  ...settings,
  ...(typeof limit === 'number' ? { limit } : {}),
});
