import { z } from 'zod';

/** How repositories become projects, and what is kept secret for them. */

const forge = z.enum(['github', 'gitlab', 'gitea']);

const visibleText = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}]+$/u, 'it has a line break or another control character');
/** What its server asks for over https: a password, or a token in its place, for which most servers take any user. */
export const credentialRequest = z.strictObject({
  user: visibleText(200)
    .regex(/^[^:]+$/, 'it has a colon')
    .default('git'),
  secret: visibleText(4000),
});
export type CredentialJson = z.input<typeof credentialRequest>;

export type ConnectJson =
  /** `repository`: its number at the forge. */
  | { readonly forge: z.output<typeof forge>; readonly repository: string; readonly credential?: CredentialJson }
  | {
      readonly forge: 'git';
      readonly name: string;
      readonly cloneUrl: string;
      readonly defaultBranch?: string;
      readonly visibility?: 'public' | 'private';
      readonly credential?: CredentialJson;
    };

/** `hook`: where its git server tells of pushes, and what it signs with; shown this once. */
export const connectedSchema = z.object({
  name: z.string(),
  cloneUrl: z.string(),
  defaultBranch: z.string(),
  hook: z.object({ url: z.string(), secret: z.string() }).exactOptional(),
});

/** `isClean` false: its webhook and its key may still be at the forge. */
export const disconnectedSchema = z.object({ isClean: z.boolean() });

/** `project`: what it is here already. */
export const repositoriesSchema = z.array(
  z.object({ id: z.string(), name: z.string(), visibility: z.enum(['public', 'private']), project: z.string().exactOptional() }),
);

const globs = z.array(z.string().min(1).max(300)).max(100).readonly();
export const visibility = z.enum(['public', 'private']);
export const branchName = z.string().min(1).max(300);

const chosen = {
  /** Which pushes make runs. */
  branches: globs,
  paths: globs,
  triggers: z.array(z.enum(['push', 'tag', 'pull-request'])).readonly(),
  commits: z.enum(['all', 'newest']),
  priority: z.int().min(-1000).max(1000),
  labels: z
    .array(z.string().regex(/^[\w.:/-]{1,100}$/, 'a label has 1 to 100 letters, digits and _ . : / -'))
    .max(20)
    .readonly(),
  approveForks: z.enum(['always', 'first-time', 'never']),
};
const limit = z.int().min(1).max(10_000);

export const settingsRequest = z.strictObject({
  visibility: visibility.optional(),
  defaultBranch: branchName.optional(),
  /** `limit: null` takes the limit away. */
  settings: z.strictObject({ ...z.object(chosen).partial().shape, limit: limit.nullish() }).optional(),
});
export type SettingsJson = z.input<typeof settingsRequest>;

/** A project as those see it who may change it. */
export const settingsSchema = z.object({
  name: z.string(),
  cloneUrl: z.string(),
  defaultBranch: z.string(),
  visibility,
  forge: z.object({ kind: forge, repository: z.string(), isGone: z.boolean() }).optional(),
  deployKey: z.string().optional(),
  /** Its secret is never shown. */
  credential: z.object({ origin: z.string(), user: z.string() }).optional(),
  settings: z.object({ ...chosen, limit: limit.optional() }),
  createdAt: z.number(),
});
export type ProjectJson = z.output<typeof settingsSchema>;

const texts = z.array(z.string()).readonly();
export const secretsSchema = z.array(
  z.object({
    name: z.string(),
    kind: z.enum(['secret', 'variable', 'identity']),
    scope: z.object({ pipelines: texts, branches: texts, environments: texts, triggers: texts }),
    by: z.string(),
    at: z.int(),
  }),
);
export type SecretRow = z.output<typeof secretsSchema>[number];
/** An empty list is all there is. */
export type SecretJson = Pick<SecretRow, 'kind' | 'scope'> & { readonly value: string };
