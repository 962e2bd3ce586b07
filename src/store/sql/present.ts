/** A row without what is null in it. */
export const present = <T extends object>(row: T): { [K in keyof T]: Exclude<T[K], null> } =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as { [K in keyof T]: Exclude<T[K], null> };

/** As a parameter of SQL. */
export const json = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
