// Draws SVG files: reads one path a line from stdin, writes SIZE x SIZE raw RGB bytes a picture, on white, to the file OUT.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';

const require = createRequire(process.cwd() + '/'); // packages live in the cache, not in the repository
const { Resvg } = require('@resvg/resvg-js');
const size = Number(process.argv[2]), pictures = [];

for (const path of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const rgba = new Resvg(readFileSync(path, 'utf8'), { fitTo: { mode: 'width', value: size }, background: 'white' }).render().pixels;
  const rgb = Buffer.alloc(size * size * 3);
  for (let i = 0; i < size * size; i++) rgba.copy(rgb, 3 * i, 4 * i, 4 * i + 3);
  pictures.push(rgb);
}
writeFileSync(process.argv[3], Buffer.concat(pictures));
