import { z } from 'zod';
import { credentialRequest } from '../../api/projects.ts';
import { projectName } from '../../api/project-name.ts';
import { isCloneUrl, isCloneUrlOrFile } from './clone-url.ts';

/** What the routes of projects take and give. */

const globs = z.array(z.string().min(1).max(300)).max(100).readonly();
const triggers = z.array(z.enum(['push', 'tag', 'pull-request'])).readonly();
const commits = z.enum(['all', 'newest']);
const priority = z.int().min(-1000).max(1000);
const labels = z
  .array(z.string().regex(/^[\w.:/-]{1,100}$/))
  .max(20)
  .readonly();
const limit = z.int().min(1).max(10_000);
const visibility = z.enum(['public', 'private']);
const branch = z.string().min(1).max(300);
const approveForks = z.enum(['always', 'first-time', 'never']);
const settings = z.object({ branches: globs, paths: globs, triggers, commits, priority, labels, limit: limit.optional(), approveForks });

/** `allowFiles`: also a repository on the server's own machine. */
export const connectBody = ({ allowFiles = false }: { readonly allowFiles?: boolean }) =>
  z.discriminatedUnion('forge', [
    z.strictObject({
      forge: z.enum(['github', 'gitlab', 'gitea']),
      repository: z.string().regex(/^[1-9]\d{0,18}$/, 'is the number of a repository'),
      credential: credentialRequest.optional(),
    }),
    z.strictObject({
      forge: z.literal('git'),
      name: projectName,
      cloneUrl: z
        .string()
        .max(1000)
        .refine(
          allowFiles ? isCloneUrlOrFile : isCloneUrl,
          'is no address of a repository, https://… or git@host:…, without a password ("cion serve --allow-files" takes file:///… too)',
        ),
      defaultBranch: branch.default('main'),
      visibility: visibility.default('private'),
      credential: credentialRequest.optional(),
    }),
  ]);

export const patchBody = z.strictObject({
  visibility: visibility.optional(),
  defaultBranch: branch.optional(),
  settings: z.strictObject({ ...settings.partial().shape, limit: limit.nullish() }).optional(),
});

export const shownProject = z.object({
  name: z.string(),
  cloneUrl: z.string(),
  defaultBranch: z.string(),
  visibility,
  forge: z.object({ kind: z.enum(['github', 'gitlab', 'gitea']), repository: z.string(), isGone: z.boolean() }).optional(),
  deployKey: z.string().optional(),
  /** Its secret is never shown. */
  credential: z.object({ origin: z.string(), user: z.string() }).optional(),
  settings,
  createdAt: z.number(),
});

export const repositoryList = z.array(z.object({ id: z.string(), name: z.string(), visibility, project: z.string().optional() }));

export const deliveryList = z.array(
  z.object({
    id: z.string(),
    event: z.string(),
    at: z.number(),
    tries: z.number(),
    result: z
      .object({
        kind: z.enum(['done', 'ignored', 'refused', 'given-up']),
        note: z.string(),
        runs: z.array(z.string()).readonly(),
        at: z.number(),
      })
      .optional(),
  }),
);
