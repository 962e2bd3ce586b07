/** Does things of one name one after the other, in the order in which they came; those of other names meanwhile. */
export type Turns = <T>(name: string, action: () => Promise<T>) => Promise<T>;

export const makeTurns = (): Turns => {
  const last = new Map<string, Promise<void>>();
  return (name, action) => {
    const done = (last.get(name) ?? Promise.resolve()).then(action);
    const settled = done.then(
      () => {},
      () => {},
    );
    last.set(name, settled);
    void settled.then(() => {
      if (last.get(name) === settled) last.delete(name);
    });
    return done;
  };
};
