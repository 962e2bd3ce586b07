import { RuntimeError } from '../runtime-error.ts';
import type { Engine } from './engine/engine.ts';
import { EngineError } from './engine/engine-error.ts';
import { isRefusal } from './failures.ts';
import type { Labels } from './labels.ts';

/** `apart`: the containers in it cannot reach each other. */
export const createNetwork = async (engine: Engine, name: string, labels: Labels, apart: boolean): Promise<string> => {
  const options = apart ? { 'com.docker.network.bridge.enable_icc': 'false' } : {};
  try {
    const body = { Name: name, CheckDuplicate: true, Driver: 'bridge', Labels: labels, Options: options };
    await engine.json('POST', '/networks/create', { body });
  } catch (error) {
    if (isRefusal(error, 409)) return name;
    if (error instanceof EngineError && /non-overlapping|address pool|no available network/i.test(error.message)) {
      const advice = 'remove networks that nobody uses (docker network prune), or give the engine more (default-address-pools)';
      throw new RuntimeError('ENGINE_REFUSED', `the engine has no addresses left for another network: ${advice}`, { cause: error });
    }
    throw error;
  }
  return name;
};
