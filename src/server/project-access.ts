import type { FastifyRequest } from 'fastify';
import type { Actor, Right } from './actor.ts';

/** Whose request it is, and the project that its path names. Rejects with what the request is answered with when they may not. */
export type ProjectAccess = (
  request: FastifyRequest,
  right: Right,
) => Promise<{ readonly actor: Actor; readonly project: { readonly name: string } }>;

/** For people. */
export const nameOf = (actor: Actor): string => {
  if (actor.kind === 'account') return actor.name;
  return actor.kind === 'worker' ? actor.worker : 'somebody';
};
