/** Who may send and have bytes for an attempt. */
export type LeaseCheck = {
  /** Whether that worker holds the item (`<run>/<stage>/<attempt>`) and the token is the newest of it. */
  held(lease: { readonly worker: string; readonly item: string; readonly token: number }): Promise<boolean>;
};
