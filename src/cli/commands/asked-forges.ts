import type { ForgeApp } from '../../server/auth/forge-login.ts';
import { openGitea } from '../../server/forges/gitea/api.ts';
import { openGitHub } from '../../server/forges/github/api.ts';
import { openGitLab } from '../../server/forges/gitlab/api.ts';
import type { ForgeSite } from '../../server/intake/intake-deps.ts';
import type { Context } from '../context.ts';
import { Refusal } from '../refusal.ts';

export type ForgeOptions = {
  readonly githubUrl: string;
  readonly githubApi: string;
  readonly githubPrivate?: true;
  readonly githubJoin: 'known' | 'everybody';
  readonly gitlabApi?: string;
  readonly gitlabJoin: 'known' | 'everybody';
  readonly giteaApi?: string;
  readonly giteaJoin: 'known' | 'everybody';
};

const apisOf = ({ githubApi, gitlabApi, giteaApi }: ForgeOptions) => ({
  github: withoutSlash(githubApi),
  ...(gitlabApi === undefined ? {} : { gitlab: withoutSlash(gitlabApi) }),
  ...(giteaApi === undefined ? {} : { gitea: withoutSlash(giteaApi) }),
});

/** The forges whose API the server may use. */
export const sitesOf = (options: ForgeOptions): readonly ForgeSite[] => {
  const urls = apisOf(options);
  return [
    { kind: 'github', url: urls.github, open: openGitHub },
    ...(urls.gitlab === undefined ? [] : [{ kind: 'gitlab', url: urls.gitlab, open: openGitLab } as const]),
    ...(urls.gitea === undefined ? [] : [{ kind: 'gitea', url: urls.gitea, open: openGitea } as const]),
  ];
};

/** The forges that one can log in with: those that there are an id and a secret for. */
export const appsOf = (
  { env }: Pick<Context, 'env'>,
  options: ForgeOptions,
): readonly (ForgeApp & { readonly kind: ForgeSite['kind'] })[] => {
  const apis = apisOf(options);
  const places = {
    github: { api: apis.github, own: options.githubUrl, join: options.githubJoin },
    gitlab: { api: apis.gitlab, own: apis.gitlab && ownAddress(apis.gitlab, 'gitlab'), join: options.gitlabJoin },
    gitea: { api: apis.gitea, own: apis.gitea && ownAddress(apis.gitea, 'gitea'), join: options.giteaJoin },
  } as const;
  return (['github', 'gitlab', 'gitea'] as const).flatMap((kind) => {
    const [clientId, clientSecret] = [env[`CION_${kind.toUpperCase()}_CLIENT_ID`], env[`CION_${kind.toUpperCase()}_CLIENT_SECRET`]];
    if (!clientId || !clientSecret) return [];
    const { api, own, join } = places[kind];
    if (api === undefined || own === undefined)
      throw new Refusal('USAGE', `There is an OAuth app of ${kind} and no address of it.`, `Write --${kind}-api ${apiExamples[kind]}.`);
    const scopes = kind === 'github' && options.githubPrivate ? { scopes: ['repo', 'admin:repo_hook'] } : {};
    return [{ kind, clientId, clientSecret, url: withoutSlash(own), apiUrl: api, join, ...scopes }];
  });
};

const apiExamples = {
  github: 'https://api.github.com',
  gitlab: 'https://gitlab.com/api/v4',
  gitea: 'https://gitea.example/api/v1',
} as const;
const apiPaths = { gitlab: '/api/v4', gitea: '/api/v1' } as const;

/** Where people go: what its API is below. */
const ownAddress = (api: string, kind: keyof typeof apiPaths): string => {
  const path = apiPaths[kind];
  if (URL.canParse(api) && api.endsWith(path)) return api.slice(0, -path.length);
  throw new Refusal('USAGE', `--${kind}-api is no address of its API.`, `Write ${apiExamples[kind]}.`);
};

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
