import { parseRemote } from './remote.ts';

/**
 * The same text for all addresses of one repository, whether by https or ssh, with a user or without: `github.com/owner/repository` in small letters.
 * Of a repository on this machine its path.
 */
export const repositoryKey = (url: string): string => {
  const remote = parseRemote(url);
  if (remote !== undefined) return `${remote.domain}/${remote.owner}/${remote.repository}`.toLowerCase();
  return (/^[a-z][a-z+.-]*:\/\/(?:[^/@]*@)?(.*)$/is.exec(url)?.[1] ?? url).replace(/(?:\.git)?\/*$/, '');
};
