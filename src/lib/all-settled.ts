/** Like Promise.all, but nothing of it is under way any more when it rejects. */
export const allSettled = async <const T extends readonly unknown[]>(promises: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(promises);
  return Promise.all(promises);
};
