import type { Claimed } from '../api/worker-protocol.ts';
import type { Outside } from '../engine/given.ts';
import { digestOf } from '../lib/canonical-json.ts';
import { WorkerError } from './worker-error.ts';

/** The values that came with the claim; nothing of this machine is among them. */
export const outsideOf = ({ outside }: Pick<Claimed, 'outside'>): Outside => {
  const variables = new Map(Object.entries(outside.variables));
  const secrets = new Map(Object.entries(outside.secrets));
  return {
    variable: (name) => variables.get(name),
    secret: (name) => secrets.get(name),
    encrypted: new Map(Object.entries(outside.encrypted).map(([ciphertext, text]) => [ciphertext, { ok: true, text }])),
  };
};

export type GivenOutputs = {
  /** The exact stdout of a stage that the claim names. Rejects with OUTPUT_CHANGED when it is not what that stage wrote. */
  read(stage: string): Promise<{ readonly bytes: Uint8Array; readonly sensitive: boolean }>;
  /** Resolves when the sensitive ones are known: no log may show them. */
  ready(): Promise<void>;
  /** The sensitive ones. */
  secrets(): readonly Uint8Array[];
};

/** Each is fetched once. */
export const givenOutputs = ({ outputs }: Pick<Claimed, 'outputs'>, fetch: (stage: string) => Promise<Uint8Array>): GivenOutputs => {
  const fetched = new Map<string, Promise<Uint8Array>>();
  const sensitive = new Map<string, Uint8Array>();

  const fetchOne = async (stage: string): Promise<Uint8Array> => {
    const given = outputs[stage];
    const bytes = await fetch(stage);
    if (given === undefined || digestOf(bytes) !== given.digest) {
      throw new WorkerError('OUTPUT_CHANGED', `what the server has as the output of "${stage}" is not what that stage wrote`);
    }
    if (given.sensitive) sensitive.set(stage, bytes);
    return bytes;
  };
  const bytesOf = (stage: string): Promise<Uint8Array> => {
    const known = fetched.get(stage) ?? fetchOne(stage);
    fetched.set(stage, known);
    return known;
  };

  return {
    read: async (stage) => ({ bytes: await bytesOf(stage), sensitive: outputs[stage]?.sensitive === true }),
    ready: async () => {
      const stages = Object.keys(outputs).filter((stage) => outputs[stage]?.sensitive === true);
      await Promise.all(stages.map(bytesOf));
    },
    secrets: () => [...sensitive.values()],
  };
};
