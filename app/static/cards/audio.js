// Of a sound: the codes that a language model of sounds writes, and what each further codebook adds.
import { fixed } from "../core/dom.js";
import { registerCard } from "../core/registry.js";

const BOOKS = 6;

registerCard({
  title: "The codes, each codebook a step later than the one above",
  html: '<canvas id="codes" class="slice codes" role="img" aria-label="Codes by time and codebook"></canvas>',
  applies: (frame) => Boolean(frame.codes),
  /** As they were written: codebook k a step later than codebook k − 1 (MusicGen's delay pattern). */
  draw(body, { codes, of }) {
    const canvas = body.querySelector("canvas");
    const books = codes[0]?.length || BOOKS;
    canvas.width = of + books - 1;
    canvas.height = books;
    const context = canvas.getContext("2d");
    codes.forEach((row, n) => {
      row.forEach((code, k) => {
        context.fillStyle = `hsl(${(code * 137.5) % 360} 45% 55%)`;
        context.fillRect(n + k, k, 1, 1);
      });
    });
  },
});

registerCard({
  title: "The sound by number of codebooks",
  html: '<table id="stages"></table>',
  applies: (frame) => Boolean(frame.stages),
  draw(body, { stages }) {
    const cells = (s) =>
      [s.books, s.bits / 1000, `${fixed(s.snr, 1)} dB`, fixed(s.mel, 3)].map((v) => `<td>${v}`).join("");
    const head = "<tr><td>codebooks<td>kbit/s<td>SNR<td>mel distance";
    body.querySelector("table").innerHTML = head + stages.map((stage) => `<tr>${cells(stage)}`).join("");
  },
});
