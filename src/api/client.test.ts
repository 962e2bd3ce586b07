import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { encodeStreamEvent, heartbeat, streamEvents } from './sse.ts';

test('what a page takes of the API runs in a browser: nothing of Node is behind it', () => {
  const seen = new Set<string>();
  const open = ['src/api/client.ts'];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    assert.ok(existsSync(path), path);
    const imports = readFileSync(path, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*? from '([^']+)';/gm);
    for (const [, specifier = ''] of imports) {
      assert.ok(specifier === 'zod' || specifier.startsWith('.'), `${path} imports ${specifier}`);
      if (specifier.startsWith('.')) open.push(normalize(join(dirname(path), specifier)));
    }
  }
  assert.ok(seen.has('src/api/run-schemas.ts') && seen.size >= 7, [...seen].join());
});

test('events of a stream are the same wherever it is cut', async () => {
  const events = [
    { id: '1', event: 'run', data: '{"a":"b: c"}' },
    { event: 'end', data: '{}' },
    { id: '20', event: 'log', data: '' },
  ];
  const text = `${heartbeat}${events.slice(0, 1).map(encodeStreamEvent).join('')}${heartbeat}${events.slice(1).map(encodeStreamEvent).join('')}id: 21\nevent: log`;
  for (const size of [1, 2, 3, 7, 1000]) {
    const pieces = async function* () {
      for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
    };
    const seen = [];
    for await (const event of streamEvents(pieces())) seen.push(event);
    assert.deepEqual(seen, events);
  }
});
