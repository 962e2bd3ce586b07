import { z } from 'zod';
import type { CommitStatus, ForgeRepository, OpenForgeApi, WantedHook } from '../forge-api.ts';
import { forgeHttp } from '../forge-http.ts';
import { gone, oneHook, oneKey } from '../one-of-each.ts';
import { foundOr, idPart, namePath, part } from '../forge-path.ts';
import { numericId } from '../payload.ts';

/** Gitea and Forgejo, v1. Most of it goes by name, so the name is asked for by number each time. */
export const openGitea: OpenForgeApi = (access) => {
  const http = forgeHttp(access);
  const find = async (id: string) =>
    http.ask({ purpose: 'show the repository', method: 'GET', path: `/repositories/${idPart(id)}` }, repositoryShape);
  const placeOf = async (id: string): Promise<string> => `/repos/${namePath((await find(id)).full_name)}`;
  const made = async (purpose: string, path: string, body: object): Promise<string> =>
    (await http.ask({ purpose, method: 'POST', path, body }, z.object({ id: numericId }))).id;
  const remove = (purpose: string, path: string) => http.tell({ purpose, method: 'DELETE', path });

  return {
    repositories: async () => {
      const question = { purpose: 'list the repositories', method: 'GET', path: '/user/repos' } as const;
      const all = await http.pages(question, page, z.array(repositoryShape));
      return all
        .map(repositoryOf)
        .filter(({ mayAdminister }) => mayAdminister)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    repository: (id) => foundOr(find(id).then(repositoryOf)),
    ensureHook: async (id, hook) => {
      const place = await placeOf(id);
      return oneHook(
        {
          list: async () => {
            const all = await http.pages({ purpose: 'list the webhooks', method: 'GET', path: `${place}/hooks` }, page, z.array(hookShape));
            return all.map(({ id, config }) => ({ id, url: config.url ?? '' }));
          },
          make: () => made('make the webhook', `${place}/hooks`, { type: 'gitea', ...hookBody(hook) }),
          change: (one) =>
            http.tell({ purpose: 'change the webhook', method: 'PATCH', path: `${place}/hooks/${part(one)}`, body: hookBody(hook) }),
          remove: (one) => remove('remove a webhook', `${place}/hooks/${part(one)}`),
        },
        hook.url,
      );
    },
    ensureKey: async (id, key) => {
      const place = await placeOf(id);
      return oneKey(
        {
          list: () => http.pages({ purpose: 'list the deploy keys', method: 'GET', path: `${place}/keys` }, page, z.array(keyShape)),
          make: () => made('take the deploy key', `${place}/keys`, { title: key.title, key: key.public, read_only: true }),
          remove: (one) => remove('remove a deploy key', `${place}/keys/${part(one)}`),
        },
        key,
      );
    },
    remove: (id, { hook, key }) =>
      gone(
        placeOf(id).then(async (place) => {
          if (hook !== undefined) await gone(remove('remove the webhook', `${place}/hooks/${part(hook)}`));
          if (key !== undefined) await gone(remove('remove the deploy key', `${place}/keys/${part(key)}`));
        }),
      ),
    setStatus: async (id, commit, { state, url, ...rest }) => {
      const body = { ...rest, state: states[state], target_url: url };
      const path = `${await placeOf(id)}/statuses/${part(commit)}`;
      await http.tell({ purpose: 'take the commit status', method: 'POST', path, body });
    },
  };
};

const page = { name: 'limit', count: 50 } as const;

const hookBody = ({ url, secret }: WantedHook) => ({
  active: true,
  events: ['push', 'pull_request', 'pull_request_sync', 'repository'],
  config: { url, content_type: 'json', secret },
});

const repositoryShape = z.object({
  id: numericId,
  full_name: z.string(),
  clone_url: z.string(),
  default_branch: z.string(),
  private: z.boolean(),
  internal: z.boolean().optional(),
  permissions: z.object({ admin: z.boolean() }).optional(),
});
const hookShape = z.object({ id: numericId, config: z.object({ url: z.string().optional() }) });
const keyShape = z.object({ id: numericId, title: z.string(), key: z.string() });

const repositoryOf = (found: z.infer<typeof repositoryShape>): ForgeRepository => ({
  id: found.id,
  name: found.full_name,
  cloneUrl: found.clone_url,
  defaultBranch: found.default_branch,
  visibility: found.private || found.internal === true ? 'private' : 'public',
  mayAdminister: found.permissions?.admin ?? false,
});

const states: Readonly<Record<CommitStatus['state'], string>> = {
  pending: 'pending',
  passed: 'success',
  failed: 'failure',
  errored: 'error',
  cancelled: 'error',
};
