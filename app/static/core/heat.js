// Where a word shows: a map of the network's attention, in the safelight's red.

/** A square canvas of a map's own size, from its values in 0..255, row by row. */
export function heatCanvas(map) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.round(Math.sqrt(map.length));
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  map.forEach((weight, i) => {
    pixels.data.set([255, 74, 46, Math.round(weight * 0.8)], 4 * i);
  });
  context.putImageData(pixels, 0, 0);
  return canvas;
}
