import { z } from 'zod';
import { branchName, credentialRequest, visibility } from '../../api/projects.ts';
import { projectName } from '../../api/project-name.ts';
import { isCloneUrl, isCloneUrlOrFile } from './clone-url.ts';

/** What the routes of projects take and give. */

/** `allowFiles`: also a repository on the server's own machine. */
export const connectBody = ({ allowFiles = false }: { readonly allowFiles?: boolean }) =>
  z.discriminatedUnion('forge', [
    z.strictObject({
      forge: z.enum(['github', 'gitlab', 'gitea']),
      repository: z.string().regex(/^[1-9]\d{0,18}$/, 'it must be the number of a repository'),
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
          'it is no address of a repository, https://… or git@host:…, without a password ("cion serve --allow-files" takes file:///… too)',
        ),
      defaultBranch: branchName.default('main'),
      visibility: visibility.default('private'),
      credential: credentialRequest.optional(),
    }),
  ]);

export const repositoryList = z.array(z.object({ id: z.string(), name: z.string(), visibility, project: z.string().optional() }));
