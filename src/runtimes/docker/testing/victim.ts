import { valuesOf } from '../../contract/case.contract.ts';
import type { Item } from '../../runtime.ts';
import { dockerRuntime } from '../docker-runtime.ts';
import { connect } from '../engine/connect.ts';
import { findEndpoint } from '../engine/endpoint.ts';

/** A process to be killed: `<namespace> prepare|start <item as JSON>`; it says on stdout when it is done, and waits. */
const [namespace = '', until = '', json = ''] = process.argv.slice(2);
const item = JSON.parse(json) as Item;
const { signal } = new AbortController();
const engine = await connect(findEndpoint(process.env), signal);
const runtime = dockerRuntime({ engine, namespace });
await runtime.prepare(item, () => {}, signal);
if (until === 'start') {
  const execution = await runtime.start(item, valuesOf(item), signal);
  for await (const { bytes } of execution.logs({ stdout: 0, stderr: 0 }, signal)) process.stdout.write(bytes);
} else process.stdout.write('prepared\n');
setInterval(() => {}, 1 << 30);
