import { parseRemote } from '../../source/remote.ts';

/** An address that git takes as one; it has no password, and no program that git would start (atk-57). */
export const isCloneUrl = (url: string): boolean =>
  parseRemote(url) !== undefined && /^[\w[]/.test(url) && !/[\s\u0000-\u001f]|::/.test(url) && !/^[a-z+]+:\/\/[^/]*:[^/]*@/i.test(url);

/** The same, or a repository on the server's own machine. */
export const isCloneUrlOrFile = (url: string): boolean => /^file:\/\/\/[^\s\u0000-\u001f]+$/.test(url) || isCloneUrl(url);
