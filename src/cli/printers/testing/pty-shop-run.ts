import { virtualClock } from '../../../lib/virtual-clock.ts';
import { ttyPrinter } from '../tty.ts';
import { noon, plainLook } from './golden.ts';
import { shopRun } from './shop-run.ts';

const clock = virtualClock({ startAt: noon });
const printer = ttyPrinter(process.stdout, { look: plainLook(), clock });
await shopRun(clock, printer, 'badly');
await printer.close();
