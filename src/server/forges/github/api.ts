import type { OpenForgeApi } from '../forge-api.ts';
import { openGitHubLike } from '../github-like.ts';

/** GitHub and GitHub Enterprise. */
export const openGitHub: OpenForgeApi = (access) =>
  openGitHubLike(access, {
    page: { name: 'per_page', count: 100 },
    hook: { name: 'web' },
    events: ['push', 'pull_request', 'repository'],
    config: { insecure_ssl: '0' },
    query: { sort: 'full_name' },
  });
