import { z } from 'zod';
import type { ForgeEvent, ForgeMessage, PushedCommit } from './forge-event.ts';
import type { HookRequest } from './forge.ts';
import { isHash, isNoCommit, isRef } from './git-ref.ts';

/** The shapes that payloads of all forges are made of. What else stands in them is left out. */
export const numericId = z.int().positive().transform(String);
export const hash = z.string().refine(isHash, 'is no hash of a commit');
export const ref = z.string().refine(isRef, 'is no ref');
/** Names are for people: as long as a line can show. */
export const personName = z.string().transform((name) => name.slice(0, 200));

/** Those of a pull request, each once. */
export const authorsOf = (...ids: readonly (string | undefined)[]): readonly string[] => [...new Set(ids.filter((id) => id !== undefined))];

/** What is `null` is not there. */
export const optional = <T extends z.ZodType>(shape: T) => shape.nullish().transform((value) => value ?? undefined);

const paths = optional(z.array(z.string()));
export const commitShape = z.object({ id: hash, added: paths, modified: paths, removed: paths });

export const pushed = ({ id, added, modified, removed }: z.infer<typeof commitShape>): PushedCommit =>
  added === undefined && modified === undefined && removed === undefined
    ? { id }
    : { id, paths: [...new Set([...(added ?? []), ...(modified ?? []), ...(removed ?? [])])] };

/** The JSON of a delivery, also of one that was sent as a form with a field `payload`. */
export const payloadOf = ({ headers, body }: HookRequest): unknown => {
  const text = body.toString('utf8');
  const isForm = headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') ?? false;
  return JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text);
};

/** Reads it with a shape; what does not fit is told by the names of its fields alone. */
export const readWith = <T>(
  request: HookRequest,
  shape: z.ZodType<T>,
  told: (payload: T) => { readonly repository: string | undefined; readonly event: ForgeEvent },
): ForgeMessage => {
  let json: unknown;
  try {
    json = payloadOf(request);
  } catch {
    return { kind: 'unreadable', reason: 'The body is no JSON.' };
  }
  const parsed = shape.safeParse(json);
  if (!parsed.success) return { kind: 'unreadable', reason: reasonOf(parsed.error) };
  const { repository, event } = told(parsed.data);
  return { kind: 'read', event, ...(repository === undefined ? {} : { repository }) };
};

const reasonOf = ({ issues }: z.ZodError): string => {
  const [first] = issues;
  return first === undefined
    ? 'The payload is none.'
    : `In the payload, ${first.path.map(String).join('.') || 'all of it'}: ${first.message}.`;
};

/** What we have no use for. */
export const otherEvent = (name: string): ForgeEvent => {
  const what = `an event "${name.slice(0, 60)}"`;
  return {
    kind: 'other',
    what: /comment|review|\bnote\b|_approved$|_rejected$/i.test(name) ? `${what}: comments begin and approve nothing` : what,
  };
};

/** A push of a branch or a tag, or the end of one; other refs (notes, pull requests) are nobody's commits. */
export const pushEvent = (
  push: {
    readonly ref: string;
    readonly after: string;
    /** Of the commit, where `after` is that of a tag. */
    readonly commit: string | undefined;
    readonly commits: readonly PushedCommit[];
    readonly isWhole: boolean;
  },
  who: { readonly by: string; readonly actor?: string },
): ForgeEvent => {
  if (isNoCommit(push.after)) return { kind: 'ref-deleted', ref: push.ref };
  const commit = push.commit ?? push.after;
  if (push.ref.startsWith('refs/tags/')) return { kind: 'tag', ref: push.ref, commit, ...who };
  if (!push.ref.startsWith('refs/heads/')) return { kind: 'other', what: 'a ref that is no branch and no tag' };
  return { kind: 'push', ref: push.ref, commit, commits: oldestFirst(push.commits, commit), isWhole: push.isWhole, ...who };
};

/** Some forges begin with the newest. */
const oldestFirst = (commits: readonly PushedCommit[], newest: string): readonly PushedCommit[] =>
  commits[0]?.id === newest ? commits.toReversed() : commits;
