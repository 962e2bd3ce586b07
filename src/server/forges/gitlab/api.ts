import { z } from 'zod';
import type { CommitStatus, ForgeRepository, OpenForgeApi, WantedHook } from '../forge-api.ts';
import { forgeHttp } from '../forge-http.ts';
import { gone, oneHook, oneKey } from '../one-of-each.ts';
import { foundOr, idPart, part } from '../forge-path.ts';
import { numericId, optional } from '../payload.ts';

/**
 * GitLab, REST v4. A hook gets a signing token where GitLab has such, so that the secret is never sent with a delivery; an older one says nothing of it
 * in its answer, and gets the secret as its token.
 */
export const openGitLab: OpenForgeApi = (access) => {
  const http = forgeHttp(access);
  const at = (id: string, more = ''): string => `/projects/${idPart(id)}${more}`;
  const find = async (id: string) => http.ask({ purpose: 'show the project', method: 'GET', path: at(id) }, projectShape);
  const remove = (purpose: string, path: string) => http.tell({ purpose, method: 'DELETE', path });

  const setHook = async (method: 'POST' | 'PUT', path: string, hook: WantedHook): Promise<string> => {
    const body = hookBody(hook);
    const set = await http.ask(
      { purpose: 'set the webhook', method, path, body: { ...body, signing_token: `whsec_${hook.secret}` } },
      hookShape,
    );
    if (set.signing_token_present !== true) {
      const own = method === 'POST' ? `${path}/${part(set.id)}` : path;
      await http.tell({ purpose: 'set the webhook', method: 'PUT', path: own, body: { ...body, token: hook.secret } });
    }
    return set.id;
  };

  return {
    repositories: async () => {
      const query = { membership: 'true', min_access_level: String(maintainer), order_by: 'path', sort: 'asc', archived: 'false' };
      const question = { purpose: 'list the projects', method: 'GET', path: '/projects', query } as const;
      const all = await http.pages(question, { name: 'per_page', count: 100 }, z.array(projectShape));
      return all.map((project) => ({ ...repositoryOf(project), mayAdminister: true }));
    },
    repository: async (id) => foundOr(find(id).then(repositoryOf)),
    ensureHook: (id, hook) =>
      oneHook(
        {
          list: () => {
            const question = { purpose: 'list the webhooks', method: 'GET', path: at(id, '/hooks') } as const;
            return http.pages(question, { name: 'per_page', count: 100 }, z.array(hookShape));
          },
          make: () => setHook('POST', at(id, '/hooks'), hook),
          change: (one) => setHook('PUT', at(id, `/hooks/${part(one)}`), hook),
          remove: (one) => remove('remove a webhook', at(id, `/hooks/${part(one)}`)),
        },
        hook.url,
      ),
    ensureKey: (id, key) =>
      oneKey(
        {
          list: () => {
            const question = { purpose: 'list the deploy keys', method: 'GET', path: at(id, '/deploy_keys') } as const;
            return http.pages(question, { name: 'per_page', count: 100 }, z.array(keyShape));
          },
          make: async () => {
            const body = { title: key.title, key: key.public, can_push: false };
            return (await http.ask({ purpose: 'take the deploy key', method: 'POST', path: at(id, '/deploy_keys'), body }, keyShape)).id;
          },
          remove: (one) => remove('remove a deploy key', at(id, `/deploy_keys/${part(one)}`)),
        },
        key,
      ),
    remove: async (id, { hook, key }) => {
      if (hook !== undefined) await gone(remove('remove the webhook', at(id, `/hooks/${part(hook)}`)));
      if (key !== undefined) await gone(remove('remove the deploy key', at(id, `/deploy_keys/${part(key)}`)));
    },
    setStatus: async (id, commit, { state, url, context, description }) => {
      const body = { state: states[state], name: context, description, target_url: url };
      await http.tell({ purpose: 'take the commit status', method: 'POST', path: at(id, `/statuses/${part(commit)}`), body });
    },
  };
};

const maintainer = 40;

const hookBody = ({ url }: WantedHook) => ({
  url,
  push_events: true,
  tag_push_events: true,
  merge_requests_events: true,
  enable_ssl_verification: true,
});

const level = optional(z.object({ access_level: z.int() }));
const projectShape = z.object({
  id: numericId,
  path_with_namespace: z.string(),
  http_url_to_repo: z.string(),
  ssh_url_to_repo: z.string(),
  default_branch: optional(z.string()),
  visibility: z.string().optional(),
  permissions: optional(z.object({ project_access: level, group_access: level })),
});
const hookShape = z.object({ id: numericId, url: z.string(), signing_token_present: z.boolean().optional() });
const keyShape = z.object({ id: numericId, title: z.string(), key: z.string() });

const repositoryOf = (found: z.infer<typeof projectShape>): ForgeRepository => ({
  id: found.id,
  name: found.path_with_namespace,
  cloneUrl: found.http_url_to_repo,
  sshUrl: found.ssh_url_to_repo,
  defaultBranch: found.default_branch ?? 'main',
  visibility: found.visibility === 'public' ? 'public' : 'private',
  mayAdminister:
    Math.max(found.permissions?.project_access?.access_level ?? 0, found.permissions?.group_access?.access_level ?? 0) >= maintainer,
});

const states: Readonly<Record<CommitStatus['state'], string>> = {
  pending: 'running',
  passed: 'success',
  failed: 'failed',
  errored: 'failed',
  cancelled: 'canceled',
};
