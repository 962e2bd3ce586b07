/**
 * What forges told us, kept before it is answered and until long after. Every delivery is taken at least once, also by the next server when one dies on the
 * way; a project's are taken in the order in which they came, those that are tried again aside. Rejects with StoreError alone.
 */
export type DeliveryStore = {
  /**
   * Durable when it resolves. `false`: the project has one of that id or with those bytes, for ever (atk-02); but one that was given up waits
   * anew.
   */
  add(delivery: NewDelivery): Promise<boolean>;
  /**
   * Those that wait and are due, the oldest of each project first: at most `perProject` of at most `projects`, none of those that are excepted. Counts
   * a try of each, and makes it due again a second later, then two, four, … five minutes, unless it is settled.
   */
  take(wanted: DeliveryTurn): Promise<readonly Delivery[]>;
  /** It waits no more. */
  settle(delivery: Pick<Delivery, 'project' | 'id'>, result: DeliveryResult): Promise<void>;
  /** Newest first. */
  list(project: string, limit: number): Promise<readonly DeliveryRow[]>;
  /** Drops the bodies of those that were settled before; that they came is known on. */
  forget(before: number): Promise<void>;
};

export type NewDelivery = {
  readonly project: string;
  /** The forge's own, or `digest` where it has none. */
  readonly id: string;
  /** Of the bytes, in hex: ids can be changed by who saw a delivery go by. */
  readonly digest: string;
  /** Those that matter, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Epoch ms. */
  readonly at: number;
};

export type DeliveryTurn = {
  readonly now: number;
  readonly projects: number;
  readonly perProject: number;
  readonly except: readonly string[];
};

/** `tries`: with this one. */
export type Delivery = NewDelivery & { readonly tries: number };

export type DeliveryResult = {
  /** `ignored`: it asks for no run. `refused`: it is not what it should be. `given-up`: it could not be worked on. */
  readonly kind: 'done' | 'ignored' | 'refused' | 'given-up';
  /** For people. */
  readonly note: string;
  /** The runs that are there because of it, also those that were there before. */
  readonly runs: readonly string[];
  readonly at: number;
};

export type DeliveryRow = Pick<Delivery, 'project' | 'id' | 'headers' | 'at' | 'tries'> & { readonly result?: DeliveryResult };
