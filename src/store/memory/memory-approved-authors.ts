import type { ApprovedAuthors } from '../approved-authors.ts';

export const memoryApprovedAuthors = (): ApprovedAuthors => {
  const known = new Map<string, Set<string>>();
  return {
    add: async (project, authors) => void known.set(project, new Set([...(known.get(project) ?? []), ...authors])),
    among: async (project, authors) => new Set(authors.filter((author) => known.get(project)?.has(author) === true)),
  };
};
