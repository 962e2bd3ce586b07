/** A table as a backup has it: its columns with their types, as Postgres writes them. */
export type TableShape = { readonly name: string; readonly columns: readonly { readonly name: string; readonly type: string }[] };

/** Of each column the value's text, in the order of the columns. */
export type TableRow = readonly (string | null)[];

/** What a database has had done to it, by number. */
export type Schema = readonly { readonly number: number; readonly checksum: string }[];

/** All that a server knows, as it was at one moment, each table after those that it names. */
export type Snapshot = {
  readonly schema: Schema;
  readonly tables: readonly TableShape[];
  rows(table: TableShape): AsyncIterable<readonly TableRow[]>;
};

/** Also while a server goes on writing there. Rejects with StoreError. */
export type TakeSnapshot = <T>(use: (snapshot: Snapshot) => Promise<T>) => Promise<T>;

export type PutSnapshot = {
  /** Whether nobody has put anything there. */
  isEmpty(): Promise<boolean>;
  /**
   * All of it or nothing; then the database is brought to where the code is. Rejects with STORE_OUTDATED when a newer cion made it, with STORE_FAILED
   * when the database was prepared in another way.
   */
  put(schema: Schema, rows: AsyncIterable<{ readonly table: TableShape; readonly rows: readonly TableRow[] }>): Promise<void>;
};
