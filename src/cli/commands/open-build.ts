import { mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buildDirectory, fetchedHome, readFetched, sourceOf } from '../build-directory.ts';
import type { Context } from '../context.ts';
import type { Project } from '../project.ts';
import { Refusal } from '../refusal.ts';
import { openProject } from './open-project.ts';

export type OpenBuild = {
  readonly project: Project;
  /** The build directory that `cion fetch` made for it. */
  readonly fetchedInto?: string;
};

/** What is to be built: `owner/project` as `cion fetch` left it in the build directory, a directory, or the project here. */
export const openBuild = async (context: Context, place: string | undefined): Promise<OpenBuild> => {
  if (place === undefined) return { project: await openProject(context) };
  const directory = /^\.{0,2}\/|^\.{1,2}$/.test(place) ? undefined : buildDirectory(context);
  const fetched = directory === undefined ? undefined : await readFetched(directory);
  if (directory !== undefined && fetched !== undefined && place === `${fetched.owner}/${fetched.repository}`) {
    const home = fetchedHome(context, fetched);
    await mkdir(home, { recursive: true });
    const project = await openProject({ ...context, project: home });
    return { project: { ...project, root: sourceOf(directory) }, fetchedInto: directory };
  }
  const path = resolve(context.cwd, place);
  if ((await stat(path).catch(() => undefined))?.isDirectory()) return { project: await openProject({ ...context, project: path }) };
  const where = directory === undefined ? 'neither BUILD_DIR nor BUILD_ID is set' : `${directory} does not hold it`;
  throw new Refusal(
    'PROJECT_NOT_FETCHED',
    `${place} is no directory, and no project that was fetched: ${where}.`,
    `cion fetch HOST/${place} && cion build ${place}, with the same BUILD_ID for both`,
  );
};
