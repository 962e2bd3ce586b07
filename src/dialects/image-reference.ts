import { parseImageReference } from '../plan/image-reference.ts';
import { type Parsed, parsed, refused } from '../plan/problem.ts';
import { quoted } from './quoted.ts';

/** An image as a text names it; kept as it is written (R-CIO-26). */
export const imageReference = (text: string): Parsed<string> => {
  const reference = parseImageReference(text);
  if (reference.ok) return parsed(text);
  const hint = text.includes('$') ? 'Variables have no meaning here: write the image itself.' : example;
  return refused({ code: 'BAD_IMAGE', message: `${quoted(text)} ${reference.message}.`, hint });
};

const example = 'An image is a name and perhaps a tag or a digest: "node:24", "ghcr.io/owner/image:1.2".';
