// The mask for people: skin, hair and clothes as colours by weight, the background dark, and what is drawn over them; and
// where the face is.

const COLOURS = [[239, 131, 84], [125, 91, 166], [61, 139, 186], [22, 22, 26]]; // as the legend's
const DRAWN_COLOURS = [[242, 201, 76], [88, 190, 120], [235, 120, 170]]; // as the brush's

/** About where the face is, [x, y] in texture space: the uppermost skin. The picture's middle where there is none. */
export function faceCentre(rgba, width, height) {
  const skin = (row, column) => rgba[4 * (row * width + column)];
  const rows = Array.from({length: height}, (_, row) => sumOf(width, (column) => skin(row, column)));
  const enough = Math.max(...rows) / 4; // a row with as much skin as this is no stray texel
  if (enough === 0) return [0.5, 0.5];
  const top = rows.findIndex((sum) => sum >= enough);
  const count = Math.max(1, height >> 3); // an eighth of the picture: a face's upper half or so
  const band = rows.slice(top, top + count);
  const sum = sumOf(band.length, (i) => band[i]);
  const x = sumOf(band.length, (i) => sumOf(width, (column) => (column + 0.5) * skin(top + i, column)));
  const y = sumOf(band.length, (i) => (top + i + 0.5) * band[i]);
  return [x / sum / width, y / sum / height];
}

/**
 * mask and drawn: height × width × 4 bytes, weights of skin, hair, clothes, and of the drawn regions, which take from
 * the others; the latter may be missing. Fills the canvas, one pixel a texel.
 */
export function drawRegions(canvas, {mask, drawn, width, height}) {
  Object.assign(canvas, {width, height});
  const picture = new ImageData(width, height);
  for (let at = 0; at < mask.length; at += 4) {
    const over = drawn ? shares(drawn, at) : [0, 0, 0], left = 1 - sumOf(3, (i) => over[i]);
    const groups = [mask[at] / 255, mask[at + 1] / 255, mask[at + 2] / 255];
    const weights = [...groups, Math.max(0, 1 - groups[0] - groups[1] - groups[2])];
    for (let channel = 0; channel < 3; channel += 1) {
      picture.data[at + channel] = left * weights.reduce((sum, w, i) => sum + w * COLOURS[i][channel], 0) +
        over.reduce((sum, w, i) => sum + w * DRAWN_COLOURS[i][channel], 0);
    }
    picture.data[at + 3] = 255;
  }
  canvas.getContext('2d').putImageData(picture, 0, 0);
}

/** Three weights of a texel, divided by their sum where that is above 1, as the shaders do. */
function shares(rgba, at) {
  const weights = [rgba[at] / 255, rgba[at + 1] / 255, rgba[at + 2] / 255];
  const sum = Math.max(1, weights[0] + weights[1] + weights[2]);
  return weights.map((weight) => weight / sum);
}

function sumOf(count, term) {
  let sum = 0;
  for (let i = 0; i < count; i += 1) sum += term(i);
  return sum;
}
