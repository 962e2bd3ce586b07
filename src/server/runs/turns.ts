/** Lets so many works run at a time, and of one key one; who comes first goes first. A work that rejects does not hold up the next. */
export const turns = (atOnce: number): (<T>(key: string, work: () => Promise<T>) => Promise<T>) => {
  const waiting: { readonly key: string; readonly begin: () => Promise<unknown> }[] = [];
  const busy = new Set<string>();
  const next = (): void => {
    for (let at = 0; busy.size < atOnce; ) {
      const one = waiting[at];
      if (one === undefined) return;
      if (busy.has(one.key)) {
        at++;
        continue;
      }
      waiting.splice(at, 1);
      busy.add(one.key);
      void one.begin().finally(() => {
        busy.delete(one.key);
        next();
      });
    }
  };
  return <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const done = Promise.withResolvers<T>();
    waiting.push({ key, begin: () => Promise.resolve().then(work).then(done.resolve, done.reject) });
    next();
    return done.promise;
  };
};
