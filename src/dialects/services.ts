import { type Parsed, parsed, refused } from '../plan/problem.ts';
import type { Readiness, Service } from '../plan/plan.ts';
import { imageCommand, reference } from '../plan/stage.ts';
import { duration } from './duration.ts';
import { record } from './entries.ts';
import { mapping, type MappingOf, optional, required } from './mapping.ts';
import { quoted } from './quoted.ts';
import { byKind, flag, mapped, oneOrMore, type Shape, textAs } from './shape.ts';
import { cmd } from './command.ts';
import type { Env } from './env.ts';
import { image } from './image.ts';
import { serviceName } from './names.ts';
import { wholeNumber } from './numbers.ts';

/** How long a service may take to become ready, unless it says so. */
const readyMs = 60_000;

const parsePort = (given: string): Parsed<string> => {
  const [, port] = /^(\d{1,5})(?:\/(?:tcp|udp))?$/.exec(given) ?? [];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65535) return parsed(given);
  const hint = given.includes(':')
    ? "Write the service's own port alone: it is reached by the service's name, not through this machine."
    : 'Write it like 6379 or 53/udp.';
  return refused({ code: 'WRONG_VALUE', message: `${quoted(given)} is not a port.`, hint });
};

const port = textAs('a port', { anyOf: [{ type: 'integer' }, { type: 'string', pattern: '^\\d+(/(tcp|udp))?$' }] }, parsePort);

const readiness: Shape<Readiness> = mapped(
  mapping({
    port: optional(wholeNumber(1, 65535), 'Ready when this TCP port accepts connections.'),
    timeout: optional(duration, 'How long it may take, as in 30s; otherwise 1m.'),
  }),
  ({ port, timeout = readyMs }) => (port === undefined ? running(timeout) : { kind: 'tcp', port, timeoutMs: timeout }),
);

const running = (timeoutMs: number): Readiness => ({ kind: 'running', timeoutMs });

const fieldsWith = (env: Shape<Env>) => ({
  image: required(image, 'The image of the service.'),
  env: optional(env, 'Variables of the service.'),
  cmd: optional(cmd, "In place of the image's command: a text for sh -c, or a list of arguments."),
  ports: optional(oneOrMore(port), 'Ports that the service listens on, as in 6379 or 53/udp.'),
  privileged: optional(flag, 'Runs with all rights on the machine, where the policy allows it.'),
  ready: optional(
    readiness,
    'When the service is ready for the stage to start; otherwise when it runs and its HEALTHCHECK, if it has one, is healthy.',
  ),
});

type ServiceKeys = MappingOf<ReturnType<typeof fieldsWith>>;

const serviceWith = (env: Shape<Env>): Shape<ServiceKeys> =>
  byKind<ServiceKeys>({
    scalar: { ...mapped(image, (given) => ({ image: given })), what: 'an image' },
    map: mapping(fieldsWith(env)),
  });

/** Containers that live as long as their stage and are reached by their names (R-CIO-53); `env` is how their variables are written. */
export const servicesWith = (env: Shape<Env>): Shape<readonly Service[]> =>
  mapped(record(serviceName, serviceWith(env)), (named) =>
    named.map(
      ({ name, value, range }): Service => ({
        name,
        range,
        image: reference(value.image),
        command: value.cmd ?? imageCommand,
        env: value.env ?? {},
        ports: value.ports ?? [],
        privileged: value.privileged ?? false,
        ready: value.ready ?? running(readyMs),
      }),
    ),
  );
