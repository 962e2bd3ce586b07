import type { Clock } from '../lib/clock.ts';
import type { Context } from './context.ts';
import type { Printer } from './printers/printer.ts';

export type PrinterOptions = { readonly json?: true; readonly plain?: true };

/** Live on a terminal, plain lines elsewhere or on request, JSON lines on request; only the chosen one is loaded. */
export const openPrinter = async ({ stdout, env }: Context, options: PrinterOptions, clock: Clock): Promise<Printer> => {
  if (options.json) return (await import('./printers/json.ts')).jsonPrinter(stdout, { clock });
  const { look } = await import('./printers/look.ts');
  const how = look({ env, isTTY: stdout.isTTY, columns: stdout.columns });
  if (options.plain || !stdout.isTTY || env.TERM === 'dumb')
    return (await import('./printers/plain.ts')).plainPrinter(stdout, { look: how });
  return (await import('./printers/tty.ts')).ttyPrinter(stdout, { look: how, clock });
};
