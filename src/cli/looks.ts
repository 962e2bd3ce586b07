import type { Context } from './context.ts';
import { type Look, look } from './printers/look.ts';

/** How text on stdout is to look. */
export const looks = ({ env, stdout }: Context): Look => look({ env, isTTY: stdout.isTTY, columns: stdout.columns });
