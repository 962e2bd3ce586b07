/** What a client of the registry asks for: `repository:acme/shop:pull,push`. */
export type Scope = { readonly repository: string; readonly actions: readonly RegistryAction[] };

export type RegistryAction = 'pull' | 'push';

/** One text may hold several, with spaces between them. What is about no repository, or is neither pull nor push, is not there afterwards. */
export const parseScopes = (texts: readonly string[]): readonly Scope[] =>
  texts
    .flatMap((text) => text.split(' '))
    .flatMap((text) => {
      const [, repository, list] = /^repository(?:\([^)]*\))?:(.+):([a-z*,]*)$/.exec(text) ?? [];
      if (repository === undefined || list === undefined || !isRepository(repository)) return [];
      const asked = new Set(list.split(','));
      const actions = (['pull', 'push'] as const).filter((action) => asked.has(action));
      return actions.length === 0 ? [] : [{ repository, actions }];
    });

const isRepository = (text: string): boolean =>
  text.length <= 255 && text.split('/').every((part) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part));

/**
 * The project that a repository belongs to: `acme/shop` and `acme/shop/api` to `acme/shop`, unless there is a project `acme/shop/api`. Repositories are
 * in lower case: two projects that differ in nothing else have none. `prefix`: what stands before the names of all projects; may be empty.
 */
export const projectOf = (repository: string, projects: readonly string[], prefix: string): string | undefined => {
  if (prefix !== '' && !repository.startsWith(`${prefix}/`)) return undefined;
  const parts = (prefix === '' ? repository : repository.slice(prefix.length + 1)).split('/');
  for (let length = parts.length; length >= 2; length--) {
    const wanted = parts.slice(0, length).join('/');
    const found = projects.filter((project) => project.toLowerCase() === wanted);
    if (found.length > 0) return found.length === 1 ? found[0] : undefined;
  }
  return undefined;
};

export type Narrowed = { readonly granted: readonly Scope[]; readonly refused: readonly Scope[] };

/** What of it `may` lets through. */
export const narrow = async (
  scopes: readonly Scope[],
  may: (action: RegistryAction, repository: string) => Promise<boolean>,
): Promise<Narrowed> => {
  const asked = await Promise.all(
    scopes.flatMap(({ repository, actions }) =>
      actions.map(async (action) => ({ repository, action, isGranted: await may(action, repository) })),
    ),
  );
  const those = (isGranted: boolean): readonly Scope[] =>
    scopes.flatMap(({ repository, actions }) => {
      const left = actions.filter((action) =>
        asked.some((one) => one.repository === repository && one.action === action && one.isGranted === isGranted),
      );
      return left.length === 0 ? [] : [{ repository, actions: left }];
    });
  return { granted: those(true), refused: those(false) };
};
