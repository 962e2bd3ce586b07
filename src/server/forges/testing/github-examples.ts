import { createRequire } from 'node:module';

export type GitHubPayload = {
  readonly action?: string;
  readonly ref?: string;
  readonly created?: boolean;
  readonly deleted?: boolean;
  readonly repository?: { readonly id: number; readonly full_name: string; readonly clone_url: string };
  readonly pull_request?: { readonly head: object };
};
type Example = { readonly name: string; readonly examples: readonly GitHubPayload[] };
const recorded = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly Example[];

/** The payloads of GitHub that were recorded for an event; fails when there is none. */
export const gitHubExamples = (
  event: string,
  which: (payload: GitHubPayload) => boolean | undefined = () => true,
): readonly GitHubPayload[] => {
  const found = recorded.find(({ name }) => name === event)?.examples.filter(which) ?? [];
  if (found.length === 0) throw new Error(`no example of ${event}`);
  return found;
};

export const allGitHubExamples = (): readonly Example[] => recorded;
