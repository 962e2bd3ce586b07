import { z } from 'zod';

/** How repositories become projects, and what is kept secret for them. */

const forge = z.enum(['github', 'gitlab', 'gitea']);

const visibleText = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}]+$/u, 'has a line break or another control character');
/** What its server asks for over https: a password, or a token in its place, for which most servers take any user. */
export const credentialRequest = z.strictObject({
  user: visibleText(200)
    .regex(/^[^:]+$/, 'has a colon')
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

/** What its owners chose, as far as the command line shows it. */
export const settingsSchema = z.object({
  name: z.string(),
  settings: z.object({
    branches: z.array(z.string()).readonly(),
    paths: z.array(z.string()).readonly(),
    triggers: z.array(z.string()).readonly(),
    commits: z.string(),
    approveForks: z.enum(['always', 'first-time', 'never']),
  }),
});
export type SettingsJson = Partial<Pick<z.output<typeof settingsSchema>['settings'], 'approveForks'>>;

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
