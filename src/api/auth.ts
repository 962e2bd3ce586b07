import { z } from 'zod';

/** What accounts, tokens and members look like over HTTP. Times are epoch ms. What is sent and has more than this is refused. */

export const accountName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/, 'A name has 1 to 63 small letters, digits and . _ - between them.');
const password = z.string().min(1).max(1024);
const time = z.int();

export const rightSchema = z.enum(['read', 'run', 'decide', 'secrets', 'settings', 'admin', 'tokens']);
export const roleSchema = z.enum(['owner', 'writer', 'reader']);
export type RoleJson = z.output<typeof roleSchema>;

/** How one can log in here. `setup`: there is no admin yet. */
export const loginWays = z.object({ setup: z.boolean(), ways: z.array(z.enum(['password', 'github', 'gitlab', 'gitea'])) });

/** Who somebody is at a forge; `login` is the name there. */
const atForge = z.object({ kind: z.enum(['github', 'gitlab', 'gitea']), login: z.string() });

export const setupRequest = z.strictObject({ token: z.string().max(200), name: accountName, password });
export const loginRequest = z.strictObject({ name: z.string().max(200), password });
export const passwordRequest = z.strictObject({ current: password.optional(), password });

export const meAnswer = z.object({
  account: z.string(),
  name: z.string(),
  isAdmin: z.boolean(),
  forges: z.array(atForge),
  /** `false`: they log in with a forge alone. */
  hasPassword: z.boolean().optional(),
  /** Of the token that asked; absent: all that the account may. */
  scopes: z.array(rightSchema).optional(),
  project: z.string().optional(),
});

export const tokenRequest = z.strictObject({
  name: z.string().trim().min(1).max(100),
  scopes: z.array(rightSchema).min(1),
  project: z.string().max(300).optional(),
  expiresInDays: z.int().min(1).max(3650).default(90),
});
export type TokenJson = z.input<typeof tokenRequest>;
const tokenLooks = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: time,
  expiresAt: time.optional(),
  usedAt: time.optional(),
});
/** `madeBy`: the token that made it, which it does not outlive. */
export const tokenRow = tokenLooks.extend({ scopes: z.array(rightSchema), project: z.string().optional(), madeBy: z.string().optional() });
export type TokenRow = z.output<typeof tokenRow>;
/** `token` is shown this once. */
export const tokenMade = z.object({ id: z.string(), token: z.string(), expiresAt: time.optional() });

/** `worker`: the only name that it stands for; absent: that of the first who uses it. */
export const workerName = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62})$/, 'A worker’s name has 1 to 63 letters, digits and . _ -');
export const workerTokenRequest = z.strictObject({
  name: z.string().trim().min(1).max(100),
  worker: workerName.optional(),
  expiresInDays: z.int().min(1).max(3650).optional(),
});
export const workerTokenRow = tokenLooks.extend({ worker: z.string().optional() });

export const sessionRow = z.object({
  id: z.string(),
  createdAt: time,
  seenAt: time,
  address: z.string(),
  agent: z.string(),
  /** The one that asks. */
  isThis: z.boolean(),
});

export const accountRow = z.object({
  id: z.string(),
  name: z.string(),
  isAdmin: z.boolean(),
  isClosed: z.boolean(),
  hasPassword: z.boolean(),
  forges: z.array(atForge),
  createdAt: time,
});
export type AccountRow = z.output<typeof accountRow>;
export const accountRequest = z.strictObject({ name: accountName, password, isAdmin: z.boolean().default(false) });
export type AccountJson = z.input<typeof accountRequest>;
export const accountMade = z.object({ id: z.string() });
export const accountChange = z.strictObject({
  isAdmin: z.boolean().optional(),
  isClosed: z.boolean().optional(),
  password: password.optional(),
});
export type AccountChangeJson = z.input<typeof accountChange>;

export const memberRow = z.object({ account: z.string(), name: z.string(), role: roleSchema });
export const memberRequest = z.strictObject({ role: roleSchema });

export const auditQuery = z.strictObject({
  account: z.string().optional(),
  project: z.string().optional(),
  action: z.string().optional(),
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
export const auditRow = z.object({
  number: z.int(),
  at: time,
  actor: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('anonymous') }),
    z.object({ kind: z.literal('account'), account: z.string(), name: z.string() }),
    z.object({ kind: z.literal('worker'), worker: z.string() }),
  ]),
  action: z.string(),
  project: z.string().optional(),
  outcome: z.enum(['done', 'refused']),
  detail: z.record(z.string(), z.string()),
});

/** What a refusal looks like: `code` stands in docs/errors.md. */
export const refusalAnswer = z.object({ code: z.string(), message: z.string() });
