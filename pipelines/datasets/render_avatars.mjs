// Draws avatars: reads one JSON object of DiceBear options a line from stdin, writes SIZE x SIZE raw RGB bytes a picture to stdout.
import { createRequire } from 'node:module';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const require = createRequire(process.cwd() + '/'); // packages live in the cache, not in the repository
const { Resvg } = require('@resvg/resvg-js');
const { createAvatar } = await import(require.resolve('@dicebear/core'));
const size = Number(process.argv[2]);
const style = await import(require.resolve(`@dicebear/${process.argv[3] ?? 'avataaars'}`));

function writeAll(bytes) {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error; // the pipe is full: try again
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const svg = createAvatar(style, JSON.parse(line)).toString();
  const rgba = new Resvg(svg, { fitTo: { mode: 'width', value: size } }).render().pixels;
  const rgb = Buffer.alloc(size * size * 3);
  for (let i = 0; i < size * size; i++) rgba.copy(rgb, 3 * i, 4 * i, 4 * i + 3);
  writeAll(rgb);
}
