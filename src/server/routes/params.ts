import { z } from 'zod';
import { projectParams } from '../../api/project-name.ts';

const text = z.string().min(1).max(1024);

/** The parts of paths below `/api/projects/:owner/:name`. */
export const runParams = projectParams.extend({ number: z.coerce.number().int().positive().max(2_147_483_647) });
export const stageParams = runParams.extend({ stage: text });
export const nodeParams = runParams.extend({ node: text });
export const gateParams = runParams.extend({ gate: text });
export const environmentParams = projectParams.extend({ environment: text });
export const differenceParams = environmentParams.extend({ other: text });
