import type { Endpoint } from './endpoint.ts';
import type { Engine } from './engine.ts';

export type Connect = (endpoint: Endpoint, signal: AbortSignal) => Promise<Engine>;
