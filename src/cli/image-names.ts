import { parseImageReference } from '../plan/image-reference.ts';
import { Refusal } from './refusal.ts';

export type ImageOptions = {
  /** `true`: said without a name. */
  readonly commit?: true | readonly (string | true)[];
  readonly registry?: string;
  readonly push?: true;
};

/** What becomes of the text in names only when the stage has ended. */
const placeholders = /\{(?:run|outcome)\}/g;

/**
 * The names of the image that a build commits, as a Plan has them. `build` identifies it; absent: the number of the run. With --push only
 * what stands in a registry is named, for all names are pushed.
 */
export const imageNames = (project: string, options: ImageOptions, build?: string): readonly string[] => {
  const own = Array.isArray(options.commit) ? options.commit.filter((name) => typeof name === 'string').map(fullName) : [];
  const registry = options.registry === undefined ? [] : registryNames(options.registry, build);
  if (options.push) {
    if (own.length + registry.length > 0) return [...own, ...registry];
    throw new Refusal('USAGE', '--push does not say where to.', 'Add --registry HOST/REPOSITORY, or a name: --commit=HOST/REPOSITORY:TAG.');
  }
  return [...localNames(project, build), ...own, ...registry];
};

/** Where the images of builds are that nobody gave another name. */
export const localRepository = (project: string): string => `cion-builds/${part(project) || 'project'}`;

/** By the id of the run: projects of one name, and runs of one number, are many on a machine. */
const localNames = (project: string, build: string | undefined): readonly string[] => [
  `${localRepository(project)}:{id}`,
  ...(build === undefined ? [] : [`wercker/${part(build) || 'build'}:latest`]),
];

const registryNames = (repository: string, build: string | undefined): readonly string[] => {
  const found = parseImageReference(repository);
  if (!found.ok || hasTag(repository) || found.image.digest !== undefined) {
    const why = found.ok ? 'must have no tag or digest' : found.message;
    throw new Refusal('USAGE', `The repository ${JSON.stringify(repository)} ${why}.`, 'Write --registry HOST/REPOSITORY.');
  }
  return [build === undefined ? '{run}' : tagOf(build), 'latest', '{outcome}'].map((tag) => `${repository}:${tag}`);
};

/** With its tag; `{run}` and `{outcome}` may stand in it. */
const fullName = (name: string): string => {
  const found = parseImageReference(name.replaceAll(placeholders, '0'));
  if (!found.ok || found.image.digest !== undefined) {
    const why = found.ok ? 'has a digest, which nobody can choose' : found.message;
    throw new Refusal('USAGE', `The image name ${JSON.stringify(name)} ${why}.`, 'Write --commit=NAME:TAG.');
  }
  return hasTag(name) ? name : `${name}:latest`;
};

const hasTag = (name: string): boolean => /:[^/]*$/.test(name);

/** As a part of an image's name: lower case, single separators. */
const part = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');

const tagOf = (text: string): string =>
  text
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^[.-]+/, '_')
    .slice(0, 128) || 'build';
