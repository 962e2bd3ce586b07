import { z } from 'zod';
import type { ForgeEvent } from '../forge-event.ts';
import type { Forge, HookRequest } from '../forge.ts';
import { authorsOf, commitShape, hash, numericId, optional, otherEvent, personName, pushed, pushEvent, readWith, ref } from '../payload.ts';
import { isSigned } from '../signature.ts';

/** GitHub and GitHub Enterprise: `X-Hub-Signature-256` is an HMAC of the body. Nothing that is signed says when. */
export const github: Forge = {
  kind: 'github',
  headers: ['content-type', 'x-github-event', 'x-github-delivery'],
  verify: ({ headers, body }, secret) => {
    const given = headers['x-hub-signature-256'];
    return { genuine: isSigned(body, secret, given?.startsWith('sha256=') ? given.slice(7) : undefined) };
  },
  delivery: ({ headers }) => headers['x-github-delivery'],
  read: (request) => {
    const event = request.headers['x-github-event'] ?? '';
    const read = readers[event as keyof typeof readers];
    return Object.hasOwn(readers, event)
      ? read(request)
      : readWith(request, other, ({ repository }) => told(repository, otherEvent(event)));
  },
};

const repository = z.object({ id: numericId, clone_url: z.string() });
const sender = z.object({ id: numericId, login: personName });
const other = z.object({ repository: optional(z.object({ id: numericId })) });

const told = (repository: { readonly id: string } | undefined, event: ForgeEvent) => ({ repository: repository?.id, event });

const push = z.object({
  ref,
  after: hash,
  repository,
  sender: optional(sender),
  pusher: z.object({ name: personName }),
  head_commit: optional(z.object({ id: hash })),
  commits: z.array(commitShape).default([]),
});
/** GitHub tells of no more commits than this. */
const mostCommits = 2048;

const pullRequest = z.object({
  action: z.string(),
  number: z.int().positive(),
  repository,
  sender,
  pull_request: z.object({
    draft: z.boolean().default(false),
    state: z.string(),
    user: optional(z.object({ id: numericId })),
    head: z.object({ sha: hash, repo: optional(z.object({ id: numericId })) }),
    base: z.object({ repo: z.object({ id: numericId }) }),
  }),
});
const actions: Readonly<Record<string, 'opened' | 'updated' | 'closed'>> = {
  opened: 'opened',
  reopened: 'opened',
  synchronize: 'updated',
  ready_for_review: 'updated',
  closed: 'closed',
};

/** Who does these brings the commit. */
const pushing: ReadonlySet<string> = new Set(['opened', 'synchronize']);

const repositoryChange = z.object({ action: z.string(), repository });

const readers = {
  ping: (request: HookRequest) => readWith(request, other, ({ repository }) => told(repository, { kind: 'ping' })),
  push: (request: HookRequest) =>
    readWith(request, push, ({ repository, sender, pusher, head_commit, commits, ...rest }) =>
      told(
        repository,
        pushEvent(
          { ...rest, commit: head_commit?.id, commits: commits.map(pushed), isWhole: commits.length < mostCommits },
          sender === undefined ? { by: pusher.name } : { by: sender.login, actor: sender.id },
        ),
      ),
    ),
  pull_request: (request: HookRequest) =>
    readWith(request, pullRequest, ({ repository, sender, number, pull_request: { head, base, draft, user }, ...rest }) => {
      const action = Object.hasOwn(actions, rest.action) ? actions[rest.action] : undefined;
      if (action === undefined) return told(repository, { kind: 'other', what: 'a change of a pull request that changes no commit' });
      return told(repository, {
        kind: 'pull-request',
        action,
        number,
        ref: `refs/pull/${number}/head`,
        commit: head.sha,
        draft,
        fork: head.repo?.id !== base.repo.id || base.repo.id !== repository.id,
        ...(head.repo === undefined ? {} : { headRepository: head.repo.id }),
        authors: authorsOf(user?.id, pushing.has(rest.action) ? sender.id : undefined),
        by: sender.login,
        actor: sender.id,
      });
    }),
  repository: (request: HookRequest) =>
    readWith(request, repositoryChange, ({ action, repository }) => {
      if (action === 'deleted') return told(repository, { kind: 'repository-deleted' });
      if (action === 'renamed' || action === 'transferred')
        return told(repository, { kind: 'repository-renamed', cloneUrl: repository.clone_url });
      return told(repository, { kind: 'other', what: 'a change of the repository that moves nothing' });
    }),
};
