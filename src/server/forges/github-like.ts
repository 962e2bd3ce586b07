import { z } from 'zod';
import type { CommitStatus, ForgeAccess, ForgeApi, ForgeRepository, WantedHook } from './forge-api.ts';
import { forgeHttp } from './forge-http.ts';
import { foundOr, idPart, namePath, part } from './forge-path.ts';
import { gone, oneHook, oneKey } from './one-of-each.ts';
import { numericId, optional } from './payload.ts';

/** Where the forges differ that speak GitHub's REST. */
export type GitHubLike = {
  readonly page: { readonly name: string; readonly count: number };
  /** Of the request that makes a webhook. */
  readonly hook: Readonly<Record<string, string>>;
  readonly events: readonly string[];
  /** Of a webhook, besides its address and secret. */
  readonly config: Readonly<Record<string, string>>;
  /** Of the list of repositories. */
  readonly query: Readonly<Record<string, string>>;
};

/** GitHub's REST, which Gitea took over. Its documented paths have names, so the name is asked for by number each time. */
export const openGitHubLike = (access: ForgeAccess, { page, hook: kind, query, ...hooks }: GitHubLike): ForgeApi => {
  const http = forgeHttp(access);
  const find = async (id: string) =>
    http.ask({ purpose: 'show the repository', method: 'GET', path: `/repositories/${idPart(id)}` }, repositoryShape);
  const placeOf = async (id: string): Promise<string> => `/repos/${namePath((await find(id)).full_name)}`;
  const made = async (purpose: string, path: string, body: object): Promise<string> =>
    (await http.ask({ purpose, method: 'POST', path, body }, z.object({ id: numericId }))).id;
  const remove = (purpose: string, path: string) => http.tell({ purpose, method: 'DELETE', path });

  return {
    repositories: async () => {
      const question = { purpose: 'list the repositories', method: 'GET', path: '/user/repos', query } as const;
      const all = await http.pages(question, page, z.array(repositoryShape));
      return all
        .map(repositoryOf)
        .filter(({ mayAdminister }) => mayAdminister)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    repository: (id) => foundOr(find(id).then(repositoryOf)),
    ensureHook: async (id, hook) => {
      const place = `${await placeOf(id)}/hooks`;
      return oneHook(
        {
          list: async () => {
            const all = await http.pages({ purpose: 'list the webhooks', method: 'GET', path: place }, page, z.array(hookShape));
            return all.map((one) => ({ id: one.id, url: one.config.url ?? '' }));
          },
          make: () => made('make the webhook', place, { ...kind, ...hookBody(hooks, hook) }),
          change: (one) =>
            http.tell({ purpose: 'change the webhook', method: 'PATCH', path: `${place}/${part(one)}`, body: hookBody(hooks, hook) }),
          remove: (one) => remove('remove a webhook', `${place}/${part(one)}`),
        },
        hook.url,
      );
    },
    ensureKey: async (id, key) => {
      const place = `${await placeOf(id)}/keys`;
      return oneKey(
        {
          list: () => http.pages({ purpose: 'list the deploy keys', method: 'GET', path: place }, page, z.array(keyShape)),
          make: () => made('take the deploy key', place, { title: key.title, key: key.public, read_only: true }),
          remove: (one) => remove('remove a deploy key', `${place}/${part(one)}`),
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
      const path = `${await placeOf(id)}/statuses/${part(commit)}`;
      await http.tell({
        purpose: 'take the commit status',
        method: 'POST',
        path,
        body: { ...rest, state: states[state], target_url: url },
      });
    },
  };
};

const hookBody = ({ events, config }: Pick<GitHubLike, 'events' | 'config'>, { url, secret }: WantedHook) => ({
  active: true,
  events,
  config: { url, content_type: 'json', secret, ...config },
});

const repositoryShape = z.object({
  id: numericId,
  full_name: z.string(),
  clone_url: z.string(),
  ssh_url: z.string(),
  default_branch: z.string(),
  private: z.boolean(),
  /** Of Gitea: for those who are logged in. */
  internal: optional(z.boolean()),
  permissions: optional(z.object({ admin: z.boolean() })),
});
const hookShape = z.object({ id: numericId, config: z.object({ url: z.string().optional() }) });
const keyShape = z.object({ id: numericId, title: z.string(), key: z.string() });

const repositoryOf = (found: z.infer<typeof repositoryShape>): ForgeRepository => ({
  id: found.id,
  name: found.full_name,
  cloneUrl: found.clone_url,
  sshUrl: found.ssh_url,
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
