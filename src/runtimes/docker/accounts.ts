import { posix } from 'node:path';
import type { Item } from '../runtime.ts';
import type { Created } from './api.ts';
import { textOf } from './container-file.ts';
import type { Engine } from './engine/engine.ts';
import { unlessGone } from './failures.ts';
import type { Image } from './images.ts';
import { literalsOf } from './known-env.ts';
import { type Labels, label } from './labels.ts';
import { directoriesOf } from './steps/step-files.ts';

/** The user who runs a command. */
export type Account = { readonly uid: number; readonly gid: number; readonly home: string };

/** Who runs commands, as images know their users; each image is asked once per run. */
export const makeAccounts = (engine: Engine) => {
  const runs = new Map<string, Map<string, Promise<Databases>>>();

  const look = async (image: Image, labels: Labels, signal: AbortSignal): Promise<Databases> => {
    const body = {
      Image: image.id,
      Labels: { ...labels, [label.role]: 'files' },
      Entrypoint: ['/never-started'],
      HostConfig: { NetworkMode: 'none', LogConfig: { Type: 'none' } },
    };
    const { Id } = await engine.json<Created>('POST', '/containers/create', { body });
    try {
      const [passwd, group] = await Promise.all(['/etc/passwd', '/etc/group'].map((path) => textOf(engine, Id, path, signal)));
      return { passwd: passwd ?? '', group: group ?? '' };
    } finally {
      await unlessGone(engine.json('DELETE', `/containers/${Id}`, { query: { force: true, v: true } }));
    }
  };

  const databases = (run: string, image: Image, labels: Labels, signal: AbortSignal): Promise<Databases> => {
    const ofRun = runs.get(run) ?? new Map<string, Promise<Databases>>();
    runs.set(run, ofRun);
    const known = ofRun.get(image.id);
    if (known !== undefined) return known;
    const found = look(image, labels, signal);
    ofRun.set(image.id, found);
    found.catch(() => ofRun.delete(image.id));
    return found;
  };

  return {
    /** `undefined` when nothing in the stage asks for it. */
    of: async ({ run, stage }: Item, image: Image, labels: Labels, signal: AbortSignal): Promise<Account | undefined> => {
      const isPrivate = stage.files.some((file) => file.private === true);
      const hasHome = [...stage.mounts, ...stage.files].some(({ path }) => beginsAtHome(path));
      const owns = directoriesOf(stage).length > 0;
      if (!isPrivate && !hasHome && !owns) return undefined;
      const home = literalsOf(stage.env)['HOME'] || image.home;
      const user = stage.user ?? image.user;
      const isRoot = ['', '0', 'root'].includes(user);
      if (isRoot && !isPrivate && !hasHome) return { uid: 0, gid: 0, home: '/root' };
      if (!isPrivate && !owns && home !== undefined) return { uid: 0, gid: 0, home };
      const account = accountOf(user, await databases(run, image, labels, signal));
      return home === undefined ? account : { ...account, home };
    },
    forget: (run: string): void => {
      runs.delete(run);
    },
  };
};

/** The absolute path of what a plan says. */
export const placed = (path: string, account: Account | undefined): string =>
  account !== undefined && beginsAtHome(path) ? posix.join(account.home, path.slice(1)) : path;

const beginsAtHome = (path: string): boolean => path === '~' || path.startsWith('~/');

export type Databases = { readonly passwd: string; readonly group: string };

/** `user`: a name or number, and perhaps a group after a colon; empty is root. */
export const accountOf = (user: string, { passwd, group }: Databases): Account => {
  const [name = '', groupName] = user.split(':', 2);
  const wanted = name || '0';
  const entry =
    entriesOf(passwd).find(([each]) => each === wanted) ??
    entriesOf(passwd).find(([, , uid]) => isNumber(wanted) && Number(uid) === Number(wanted));
  const uid = numberIn(entry?.[2]) ?? numberIn(wanted) ?? 0;
  const gid =
    groupName === undefined || groupName === ''
      ? numberIn(entry?.[3])
      : (numberIn(entriesOf(group).find(([each]) => each === groupName)?.[2]) ?? numberIn(groupName));
  return { uid, gid: gid ?? 0, home: entry?.[5] || (uid === 0 ? '/root' : '/') };
};

const entriesOf = (text: string): readonly (readonly string[])[] => text.split('\n').map((line) => line.split(':'));

const isNumber = (text: string): boolean => /^\d+$/.test(text);

const numberIn = (text: string | undefined): number | undefined => (text !== undefined && isNumber(text) ? Number(text) : undefined);
