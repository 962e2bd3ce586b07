import type { Need } from '../../plan/plan.ts';
import { looseEntries, type Named, readNamed } from '../entries.ts';
import { allOrNone, choice, type Shape } from '../shape.ts';
import { stageName } from './names.ts';

export type PlacedNeed = Named<Need['on']>;

const ending = choice('how a stage ends', ['passed', 'failed', 'finished']);
const names = {
  type: 'array',
  items: { anyOf: [stageName.schema, { type: 'object', maxProperties: 1, additionalProperties: ending.schema }] },
};

/** A name, several, or names with how they must have ended. */
export const needs: Shape<readonly PlacedNeed[]> = {
  schema: { anyOf: [stageName.schema, names, { type: 'object', additionalProperties: ending.schema }] },
  read: (node, place) => {
    const entries = looseEntries(node, place, (key) => ({ key, value: { ...key, style: 'plain', text: 'passed' } }));
    return allOrNone(entries.map((entry) => readNamed(entry, stageName, ending, place)));
  },
};
