import { EngineError } from './engine-error.ts';

/** The newest that both sides know. `offered` is the engine's newest. */
export const agreeOnVersion = (name: string, offered: string | undefined): string => {
  const theirs = offered === undefined ? undefined : parse(offered);
  if (theirs === undefined) throw new EngineError('refused', `what answers at ${name} is no Docker Engine`);
  if (compare(theirs, oldest) < 0) {
    const [needed, has] = [format(oldest), format(theirs)];
    throw new EngineError('refused', `the Docker Engine at ${name} is too old: it has API ${has}, ${needed} (Docker 19.03) is needed`);
  }
  return format(compare(theirs, newest) < 0 ? theirs : newest);
};

type Version = readonly [major: number, minor: number];

const oldest: Version = [1, 40];
const newest: Version = [1, 47];

const parse = (text: string): Version | undefined => {
  const match = /^(\d{1,4})\.(\d{1,4})$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
};

const compare = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1];

const format = ([major, minor]: Version): string => `${major}.${minor}`;
