import { z } from 'zod';
import type { Sealer } from '../../secrets/sealer.ts';
import type { Letter } from '../../store/notifications.ts';

/** Where letters go: what is sealed with a subscription, for an address may be all that one needs to write there. */
export const targetSchema = z.discriminatedUnion('way', [
  z.object({ way: z.literal('http'), url: z.string(), secret: z.string() }),
  z.object({ way: z.literal('slack'), url: z.string() }),
  z.object({ way: z.literal('mail'), to: z.array(z.string()).readonly() }),
]);

export type Target = z.output<typeof targetSchema>;

const contextOf = (project: string, id: string): string => `project/${project}/subscription/${id}`;

export const sealTarget = (
  sealer: Pick<Sealer, 'seal'>,
  target: Target,
  { project, id }: { readonly project: string; readonly id: string },
): string => sealer.seal(JSON.stringify(target), contextOf(project, id));

/** Throws SealError. */
export const openTarget = (sealer: Pick<Sealer, 'open'>, { project, id, target }: Letter['subscription']): Target =>
  targetSchema.parse(JSON.parse(sealer.open(target, contextOf(project, id)).toString()));
