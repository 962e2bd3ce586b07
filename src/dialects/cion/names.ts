import { nameShape } from '../names.ts';

export const stageName = nameShape(
  "a stage's name",
  /^[a-z0-9][a-z0-9_-]{0,62}$/,
  'Use lower-case letters, digits, "-" and "_", at most 63, the first a letter or digit.',
);
