import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { ForgeEvent } from '../forge-event.ts';
import type { Forge, HookRequest } from '../forge.ts';
import { authorsOf, commitShape, hash, numericId, optional, otherEvent, personName, pushed, pushEvent, readWith, ref } from '../payload.ts';
import { isSame } from '../signature.ts';

/**
 * GitLab. With a signing token (`whsec_` and the base64 of the key) `webhook-signature` is an HMAC of id, time and body; older ones send the secret itself
 * as `X-Gitlab-Token`. What has a signature is judged by that alone. `X-Gitlab-Event-UUID` is no id of a delivery: several may have the same.
 */
export const gitlab: Forge = {
  kind: 'gitlab',
  headers: ['content-type', 'x-gitlab-event', 'idempotency-key', 'webhook-id'],
  verify: ({ headers, body }, secret) => {
    const given = headers['webhook-signature'];
    if (given !== undefined) return signed(headers, body, secret, given);
    const token = headers['x-gitlab-token'];
    return { genuine: isSame(secret, token ?? '') && token !== undefined };
  },
  delivery: ({ headers }) => headers['webhook-id'] ?? headers['idempotency-key'],
  read: (request) => {
    const event = request.headers['x-gitlab-event'] ?? '';
    const read = readers[event as keyof typeof readers];
    return Object.hasOwn(readers, event) ? read(request) : readWith(request, other, ({ project }) => told(project?.id, otherEvent(event)));
  },
};

const signed = (headers: HookRequest['headers'], body: Buffer, secret: string, given: string): ReturnType<Forge['verify']> => {
  const { 'webhook-id': id = '', 'webhook-timestamp': time = '' } = headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${time}.`).update(body).digest('base64');
  const isOne = given.split(' ').filter((one) => isSame(`v1,${expected}`, one)).length > 0;
  const genuine = isOne && key.length >= shortestKeyBytes && id !== '' && /^\d{1,12}$/.test(time);
  return { genuine, signedAt: Number(time) * 1000 };
};

const shortestKeyBytes = 16;

const project = z.object({ id: numericId });
const other = z.object({ project: optional(project) });

const told = (repository: string | undefined, event: ForgeEvent) => ({ repository, event });

const push = z.object({
  ref,
  after: hash,
  checkout_sha: optional(hash),
  project_id: numericId,
  user_id: optional(numericId),
  user_username: optional(personName),
  commits: optional(z.array(commitShape)),
  total_commits_count: optional(z.int()),
});

const mergeRequest = z.object({
  project,
  user: z.object({ id: optional(numericId), username: personName }),
  object_attributes: z.object({
    iid: z.int().positive(),
    action: optional(z.string()),
    oldrev: optional(z.string()),
    author_id: optional(numericId),
    source_project_id: optional(numericId),
    target_project_id: numericId,
    last_commit: z.object({ id: hash }),
    draft: optional(z.boolean()),
    work_in_progress: optional(z.boolean()),
  }),
  changes: optional(z.object({ draft: optional(z.object({ current: z.boolean() })) })),
});

/** An update without `oldrev` changed a text or a label, or ended a draft. */
const actionOf = ({ object_attributes: { action, oldrev }, changes }: z.infer<typeof mergeRequest>) => {
  if (action === 'open' || action === 'reopen') return 'opened';
  if (action === 'close' || action === 'merge') return 'closed';
  return action === 'update' && (oldrev !== undefined || changes?.draft?.current === false) ? 'updated' : undefined;
};

const readPush = (request: HookRequest) =>
  readWith(request, push, ({ project_id, user_id, user_username, checkout_sha, commits = [], total_commits_count, ...rest }) =>
    told(
      project_id,
      pushEvent(
        {
          ...rest,
          commit: checkout_sha,
          commits: commits.map(pushed),
          isWhole: (total_commits_count ?? commits.length) <= commits.length,
        },
        { by: user_username ?? 'GitLab', ...(user_id === undefined ? {} : { actor: user_id }) },
      ),
    ),
  );

const readers = {
  'Push Hook': readPush,
  'Tag Push Hook': readPush,
  'Merge Request Hook': (request: HookRequest) =>
    readWith(request, mergeRequest, (payload) => {
      const { project, user, object_attributes: merge } = payload;
      const action = actionOf(payload);
      if (action === undefined) return told(project.id, { kind: 'other', what: 'a change of a merge request that changes no commit' });
      return told(project.id, {
        kind: 'pull-request',
        action,
        number: merge.iid,
        ref: `refs/merge-requests/${merge.iid}/head`,
        commit: merge.last_commit.id,
        draft: merge.draft ?? merge.work_in_progress ?? false,
        fork: merge.source_project_id !== merge.target_project_id || merge.target_project_id !== project.id,
        ...(merge.source_project_id === undefined ? {} : { headRepository: merge.source_project_id }),
        authors: authorsOf(merge.author_id, merge.action === 'open' || merge.oldrev !== undefined ? user.id : undefined),
        by: user.username,
        ...(user.id === undefined ? {} : { actor: user.id }),
      });
    }),
};
