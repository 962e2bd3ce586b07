import { z } from 'zod';

/** A project is called `owner/name`, as at its forge; an owner may be a group of groups, `acme/tools`. */

const word = String.raw`(?!\.{1,2}(?:/|$))[A-Za-z0-9_.][\w.-]*`;
const longest = 300;
const form = 'A project is called OWNER/NAME, with letters, digits and . _ - between the slashes.';

const wholeName = new RegExp(`^${word}(?:/${word})+$`);

export const projectName = z.string().max(longest).regex(wholeName, form);

export const isProjectName = (text: string): boolean => projectName.safeParse(text).success;

/** In a path the owner is one part: the slashes of nested groups are `%2F` there. */
export const projectParams = z.object({
  owner: z
    .string()
    .max(longest)
    .regex(new RegExp(`^${word}(?:/${word})*$`), form)
    .meta({ description: 'All of the name of the project but its last part. Slashes of nested groups are sent as %2F: acme%2Ftools.' }),
  name: z
    .string()
    .max(longest)
    .regex(new RegExp(`^${word}$`), form)
    .meta({ description: 'The last part of the name of the project.' }),
});

export const projectOf = ({ owner, name }: z.output<typeof projectParams>): string => `${owner}/${name}`;

export const ownerOf = (project: string): string => project.slice(0, project.lastIndexOf('/'));
