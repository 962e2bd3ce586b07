import type { OpenForgeApi } from '../forge-api.ts';
import { openGitHubLike } from '../github-like.ts';

/** Gitea and Forgejo, v1. */
export const openGitea: OpenForgeApi = (access) =>
  openGitHubLike(access, {
    page: { name: 'limit', count: 50 },
    hook: { type: 'gitea' },
    events: ['push', 'pull_request', 'pull_request_sync', 'repository'],
    config: {},
    query: {},
  });
