import type { Clock } from '../lib/clock.ts';
import type { Context } from './context.ts';
import { looks } from './looks.ts';
import type { Asked } from './printers/gate-questions.ts';
import type { Printer } from './printers/printer.ts';
import { hasTerminal, terminalKeys } from './terminal-keys.ts';

/** `place`: see Look. */
export type PrinterOptions = { readonly json?: true; readonly plain?: true; readonly place?: string };

/** Whether progress is painted on the terminal, so that nobody else may write there. */
export const isLive = ({ stdout, env }: Context, { json, plain }: PrinterOptions): boolean =>
  !json && !plain && stdout.isTTY && env.TERM !== 'dumb';

/** Live on a terminal, plain lines elsewhere or on request, JSON lines on request; only the chosen one is loaded. */
export const openPrinter = async (
  context: Context,
  options: PrinterOptions,
  clock: Clock,
  person?: Omit<Asked, 'keys'>,
): Promise<Printer> => {
  const { stdout } = context;
  if (options.json) return (await import('./printers/json.ts')).jsonPrinter(stdout, { clock });
  const look = { ...looks(context), ...(options.place === undefined ? {} : { place: options.place }) };
  if (isLive(context, options)) {
    const asked =
      person !== undefined && process.stdin.isTTY && hasTerminal() ? { ...person, keys: terminalKeys(process.stdin) } : undefined;
    const printer = (await import('./printers/tty.ts')).ttyPrinter(stdout, { look, clock, ...(asked === undefined ? {} : { asked }) });
    const onExit = (): void => void printer.close();
    process.once('exit', onExit);
    return {
      ...printer,
      close: () => {
        process.off('exit', onExit);
        return printer.close();
      },
    };
  }
  return (await import('./printers/plain.ts')).plainPrinter(stdout, { look });
};
