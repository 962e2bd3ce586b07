import { imageReference } from './image-reference.ts';
import { type TextShape, textAs } from './shape.ts';

export const image: TextShape<string> = textAs('an image', { type: 'string' }, imageReference);
