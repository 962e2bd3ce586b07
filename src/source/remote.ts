/** What the address of a repository says: `github.com`, `owner` (groups of groups with `/`), `repository`. Never a user or a password. */
export type Remote = { readonly domain: string; readonly owner: string; readonly repository: string };

const scheme = /^(?:https?|ssh|git|git\+ssh):\/\/(?:[^/@]*@)?(?<domain>\[[^\]]+\]|[^/:]+)(?::\d*)?\/(?<path>.+)$/i;
const scp = /^(?:[^/@:]+@)?(?<domain>\[[^\]]+\]|[^/:[\]]+):(?!\/\/)(?<path>.+)$/;

/** Of `https://host/owner/repository.git`, `ssh://git@host:22/…` and `git@host:owner/repository`; `undefined` for what is no such address. */
export const parseRemote = (url: string): Remote | undefined => {
  const found = (scheme.exec(url) ?? scp.exec(url))?.groups;
  const domain = found?.domain?.toLowerCase();
  const parts = (found?.path ?? '')
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((part) => part !== '' && part !== '~');
  const repository = parts.pop()?.replace(/\.git$/, '');
  if (domain === undefined || repository === undefined || repository === '' || parts.length === 0) return undefined;
  return { domain, owner: parts.join('/'), repository };
};
