import type { Upstream } from '../../store/upstreams.ts';

type Link = Pick<Upstream, 'project' | 'after' | 'wants'>;

export type CircleDeps = {
  /** Which there are after a project. */
  followers(project: string): Promise<readonly Upstream[]>;
  /** `undefined`: there is no such project. */
  defaultBranchOf(project: string): Promise<string | undefined>;
};

/**
 * The upstreams by which a run that this one begins would lead to another, this one first; `undefined`: none surely does. Which pipeline and branch a run is of
 * can be open until it has a plan: what may be a circle then is stopped when it closes (atk-78).
 */
export const upstreamCircle = async (added: Link, { followers, defaultBranchOf }: CircleDeps): Promise<readonly Link[] | undefined> => {
  const follows = async ({ project, wants }: Link, { after }: Link): Promise<boolean> => {
    if (project !== after.project || (after.pipeline ?? wants.pipeline) !== wants.pipeline) return false;
    if (after.branch === undefined) return true;
    const branch = wants.ref === undefined ? await defaultBranchOf(project) : /^refs\/heads\/(.+)$/.exec(wants.ref)?.[1];
    return branch === after.branch;
  };
  // Where no pipeline is wanted, any run of the project counts as the one that begins.
  if (added.project === added.after.project && added.wants.pipeline === undefined) return [added];
  const seen = new Set<string>();
  /** The shortest first; it grows while it is read. */
  const ways: (readonly Link[])[] = [[added]];
  for (const way of ways) {
    const last = way.at(-1) ?? added;
    if (await follows(last, added)) return way;
    for (const next of await followers(last.project)) {
      if (seen.has(next.id) || !(await follows(last, next))) continue;
      seen.add(next.id);
      ways.push([...way, next]);
    }
  }
  return undefined;
};

/** As people call what it begins. */
export const begunBy = ({ project, wants: { pipeline } }: Link): string => (pipeline === undefined ? project : `${project}/${pipeline}`);
