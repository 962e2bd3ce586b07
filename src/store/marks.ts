/** How far some part of the server has come, by its name: what finished after that, it may not have seen. Rejects with StoreError alone. */
export type MarkStore = {
  /** Epoch ms; `undefined`: it was never there. */
  read(name: string): Promise<number | undefined>;
  /** Never back. */
  move(name: string, to: number): Promise<void>;
};
