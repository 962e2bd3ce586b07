import { z } from 'zod';
import type { ForgeEvent } from '../forge-event.ts';
import type { Forge, HookRequest } from '../forge.ts';
import { authorsOf, commitShape, hash, numericId, optional, otherEvent, personName, pushed, pushEvent, readWith, ref } from '../payload.ts';
import { isSigned } from '../signature.ts';

/** Gitea and Forgejo: `X-Gitea-Signature` is an HMAC of the body. Nothing that is signed says when. */
export const gitea: Forge = {
  kind: 'gitea',
  headers: ['content-type', 'x-gitea-event', 'x-gitea-delivery'],
  verify: ({ headers, body }, secret) => ({ genuine: isSigned(body, secret, headers['x-gitea-signature']) }),
  delivery: ({ headers }) => headers['x-gitea-delivery'],
  read: (request) => {
    const event = request.headers['x-gitea-event'] ?? '';
    const read = readers[event as keyof typeof readers];
    return Object.hasOwn(readers, event)
      ? read(request)
      : readWith(request, other, ({ repository }) => told(repository?.id, otherEvent(event)));
  },
};

const repository = z.object({ id: numericId });
const other = z.object({ repository: optional(repository) });
const person = z.object({ id: z.int(), login: personName });

const told = (repository: string | undefined, event: ForgeEvent) => ({ repository, event });

/** What Gitea does itself it does as a person with an id that nobody has. */
const idOf = (person: { readonly id: number } | undefined): string | undefined =>
  person !== undefined && person.id > 0 ? String(person.id) : undefined;

const who = ({ id, login }: z.infer<typeof person>) => (id > 0 ? { by: login, actor: String(id) } : { by: login });

const push = z.object({
  ref,
  after: hash,
  repository,
  pusher: person,
  head_commit: optional(z.object({ id: hash })),
  commits: optional(z.array(commitShape)),
  total_commits: optional(z.int()),
});

const head = z.object({ sha: hash, repo: optional(repository) });
const pullRequest = z.object({
  action: z.string(),
  number: z.int().positive(),
  repository,
  sender: person,
  pull_request: z.object({
    user: optional(person),
    draft: optional(z.boolean()),
    head,
    base: z.object({ repo: optional(repository) }),
  }),
});
const actions: Readonly<Record<string, 'opened' | 'updated' | 'closed'>> = {
  opened: 'opened',
  reopened: 'opened',
  synchronized: 'updated',
  closed: 'closed',
};

/** Who does these brings the commit. */
const pushing: ReadonlySet<string> = new Set(['opened', 'synchronized']);

const repositoryChange = z.object({ action: z.string(), repository });

const readers = {
  push: (request: HookRequest) =>
    readWith(request, push, ({ repository, pusher, head_commit, commits = [], total_commits, ...rest }) =>
      told(
        repository.id,
        pushEvent(
          {
            ...rest,
            commit: head_commit?.id,
            commits: commits.map(pushed),
            isWhole: (total_commits ?? commits.length) <= commits.length,
          },
          who(pusher),
        ),
      ),
    ),
  pull_request: (request: HookRequest) =>
    readWith(request, pullRequest, ({ repository, sender, number, pull_request: { head, base, draft, user }, ...rest }) => {
      const action = Object.hasOwn(actions, rest.action) ? actions[rest.action] : undefined;
      if (action === undefined) return told(repository.id, { kind: 'other', what: 'a change of a pull request that changes no commit' });
      return told(repository.id, {
        kind: 'pull-request',
        action,
        number,
        ref: `refs/pull/${number}/head`,
        commit: head.sha,
        draft: draft ?? false,
        fork: head.repo?.id !== repository.id || base.repo?.id !== repository.id,
        ...(head.repo === undefined ? {} : { headRepository: head.repo.id }),
        authors: authorsOf(idOf(user), pushing.has(rest.action) ? idOf(sender) : undefined),
        ...who(sender),
      });
    }),
  repository: (request: HookRequest) =>
    readWith(request, repositoryChange, ({ action, repository }) =>
      told(
        repository.id,
        action === 'deleted' ? { kind: 'repository-deleted' } : { kind: 'other', what: 'a change of the repository that moves nothing' },
      ),
    ),
};
