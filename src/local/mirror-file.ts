import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMissing, stateUnreadable, stateUnwritable } from './local-error.ts';
import { runState } from './project-dir.ts';

/** Where the results of a run are copied to. */
export type MirrorPlace = { readonly url: string; readonly endpoint?: string };

/** What is known of the copies of a run: where they go, what is not as it should be there yet, and what is there at all. */
export type MirrorState = { readonly place: MirrorPlace; readonly due: readonly string[]; readonly there: readonly string[] };

type Line =
  | { readonly kind: 'place'; readonly place: MirrorPlace }
  | { readonly kind: 'due'; readonly paths: readonly string[] }
  | { readonly kind: 'done'; readonly path: string; readonly there: boolean };

export type MirrorFile = {
  place(place: MirrorPlace): void;
  due(paths: readonly string[]): void;
  done(path: string, isThere: boolean): void;
};

const fileOf = (dir: string, run: string): string => join(runState(dir, run), 'mirror.jsonl');

/** JSON lines in `.cion/state/<runId>/mirror.jsonl`, only ever added to, so that a crash loses nothing. */
export const mirrorFile = (dir: string, run: string): MirrorFile => {
  const add = (line: Line): void => {
    try {
      mkdirSync(runState(dir, run), { recursive: true });
      appendFileSync(fileOf(dir, run), `\n${JSON.stringify(line)}`);
    } catch (error) {
      throw stateUnwritable('what is to be uploaded', error);
    }
  };
  return {
    place: (place) => add({ kind: 'place', place }),
    due: (paths) => add({ kind: 'due', paths }),
    done: (path, isThere) => add({ kind: 'done', path, there: isThere }),
  };
};

/** `undefined` when the run is copied nowhere. */
export const readMirror = (dir: string, run: string): MirrorState | undefined => {
  let place: MirrorPlace | undefined;
  const due = new Set<string>();
  const there = new Set<string>();
  for (const line of linesOf(dir, run)) {
    switch (line.kind) {
      case 'place':
        place = line.place;
        due.clear();
        there.clear();
        break;
      case 'due':
        for (const path of line.paths) due.add(path);
        break;
      case 'done':
        due.delete(line.path);
        if (line.there) there.add(line.path);
        else there.delete(line.path);
        break;
    }
  }
  return place && { place, due: [...due], there: [...there] };
};

const linesOf = (dir: string, run: string): readonly Line[] => {
  try {
    return readFileSync(fileOf(dir, run), 'utf8').split('\n').flatMap(parsed);
  } catch (error) {
    if (isMissing(error)) return [];
    throw stateUnreadable('what is to be uploaded', error);
  }
};

/** What a crash cut short counts for nothing. */
const parsed = (text: string): readonly Line[] => {
  try {
    return text === '' ? [] : [JSON.parse(text) as Line];
  } catch {
    return [];
  }
};
