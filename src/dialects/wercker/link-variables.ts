import type { EnvValue } from '../../plan/plan.ts';
import { literal } from '../env.ts';
import type { Box } from './box.ts';

/**
 * The variables by which one container finds another, as links of Docker made them (R-WRK-60): `REDIS_PORT_6379_TCP_ADDR` and so on. An
 * address is the host name. Ports are those of the text, else those that images of that name are known to listen on.
 */
export const linkVariables = (
  host: string,
  box: Box,
  env: Readonly<Record<string, EnvValue>>,
): readonly (readonly [string, EnvValue])[] => {
  const prefix = host.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
  const ports = (box.ports ?? usualPorts(box.id)).map((port) => {
    const [number = '', protocol = 'tcp'] = port.split('/');
    return { number, protocol };
  });
  const lowest = ports.toSorted((a, b) => Number(a.number) - Number(b.number))[0];
  const address = ({ number, protocol }: { readonly number: string; readonly protocol: string }) => `${protocol}://${host}:${number}`;
  return [
    [`${prefix}_NAME`, literal(`/${host}`)],
    ...(lowest === undefined ? [] : [[`${prefix}_PORT`, literal(address(lowest))] as const]),
    ...ports.flatMap((port) => {
      const one = `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
      return [
        [one, literal(address(port))],
        [`${one}_ADDR`, literal(host)],
        [`${one}_PORT`, literal(port.number)],
        [`${one}_PROTO`, literal(port.protocol)],
      ] as const;
    }),
    ...Object.entries(env).map(([name, value]) => [`${prefix}_ENV_${name}`, value] as const),
  ];
};

const usualPorts = (id: string): readonly string[] => {
  const name = (id.split('/').at(-1) ?? '').replace(/[:@].*$/, '').toLowerCase();
  return Object.hasOwn(usual, name) ? (usual[name] ?? []) : [];
};

const usual: Readonly<Record<string, readonly string[]>> = {
  cassandra: ['7000', '7001', '7199', '9042', '9160'],
  couchdb: ['4369', '5984', '9100'],
  elasticsearch: ['9200', '9300'],
  mariadb: ['3306'],
  memcached: ['11211'],
  mongo: ['27017'],
  mongodb: ['27017'],
  mysql: ['3306'],
  neo4j: ['7473', '7474', '7687'],
  postgres: ['5432'],
  postgresql: ['5432'],
  rabbitmq: ['4369', '5671', '5672', '25672'],
  redis: ['6379'],
  rethinkdb: ['8080', '28015', '29015'],
};
