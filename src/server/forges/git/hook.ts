import { z } from 'zod';
import type { ForgeMessage } from '../forge-event.ts';
import type { Forge, HookRequest } from '../forge.ts';
import { hash, personName, pushEvent, ref } from '../payload.ts';
import { isSame, isSigned } from '../signature.ts';

/**
 * Any git server: a hook of the repository sends `ref`, `old`, `new` and `at` (epoch seconds), as JSON or as a form, and perhaps `commit` (of a tag's
 * object) and `by`. It is signed like GitHub's (`X-Cion-Signature: sha256=…`), or says the secret itself (`Authorization: Bearer …`).
 */
export const git: Forge = {
  kind: 'git',
  headers: ['content-type'],
  verify: (request, secret) => {
    const { 'x-cion-signature': given, authorization } = request.headers;
    const genuine =
      given === undefined
        ? isSame(`Bearer ${secret}`, authorization ?? '')
        : isSigned(request.body, secret, given.startsWith('sha256=') ? given.slice(7) : undefined);
    if (!genuine) return { genuine };
    const at = z.object({ at: seconds }).safeParse(fieldsOf(request)).data?.at;
    return { genuine, signedAt: (at ?? 0) * 1000 };
  },
  delivery: () => undefined,
  read: (request) => {
    const parsed = told.safeParse(fieldsOf(request));
    if (!parsed.success) {
      const [first] = parsed.error.issues;
      return {
        kind: 'unreadable',
        reason: `In the call, ${first?.path.map(String).join('.') || 'all of it'}: ${first?.message ?? 'none'}.`,
      };
    }
    return messageOf(parsed.data);
  },
};

const seconds = z.coerce.number().int().positive().max(1e11);
const told = z.object({ ref, new: hash, at: seconds, commit: hash.optional(), by: personName.default('git') });

const messageOf = ({ ref, new: after, commit, by }: z.infer<typeof told>): ForgeMessage => ({
  kind: 'read',
  event: pushEvent({ ref, after, commit, commits: [], isWhole: false }, { by }),
});

const fieldsOf = ({ headers, body }: HookRequest): unknown => {
  const text = body.toString('utf8');
  if (!(headers['content-type'] ?? '').startsWith('application/json')) return Object.fromEntries(new URLSearchParams(text));
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
