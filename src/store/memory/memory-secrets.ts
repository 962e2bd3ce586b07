import type { KeptSecret, SecretStore } from '../secrets.ts';

export const memorySecrets = (): SecretStore => {
  let kept: readonly KeptSecret[] = [];
  const retire = (project: string, name: string, at: number): boolean => {
    const isIt = (one: KeptSecret): boolean => one.project === project && one.name === name && one.retiredAt === undefined;
    const found = kept.some(isIt);
    kept = kept.map((one) => (isIt(one) ? { ...one, retiredAt: at } : one));
    return found;
  };
  return {
    put: async (secret) => {
      retire(secret.project, secret.name, secret.at);
      kept = [secret, ...kept];
    },
    list: async (project) => kept.filter((one) => one.project === project).toSorted((a, b) => order(a.name, b.name) || ageOf(b) - ageOf(a)),
    remove: async (project, name, at) => retire(project, name, at),
    page: async (after, limit) =>
      kept
        .filter(({ id }) => id > after)
        .toSorted((a, b) => order(a.id, b.id))
        .slice(0, limit),
    reseal: async (id, before, after) => {
      kept = kept.map((one) => (one.id === id && one.sealed === before ? { ...one, sealed: after } : one));
    },
    forget: async (retiredBefore) => {
      kept = kept.filter(({ retiredAt }) => retiredAt === undefined || retiredAt >= retiredBefore);
    },
  };
};

const ageOf = ({ retiredAt }: KeptSecret): number => retiredAt ?? Number.MAX_SAFE_INTEGER;

const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
