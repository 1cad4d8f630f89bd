// The mask for people: skin, hair and clothes as colours by weight, the background dark; and where the skin is.

const COLOURS = [[239, 131, 84], [125, 91, 166], [61, 139, 186], [22, 22, 26]]; // as the legend's

/** The middle of the skin, [x, y] in texture space; the picture's where there is none. */
export function skinCentre(rgba, size) {
  let sum = 0, x = 0, y = 0;
  for (let texel = 0; texel < size * size; texel += 1) {
    const weight = rgba[4 * texel];
    sum += weight;
    x += weight * (texel % size + 0.5);
    y += weight * (Math.floor(texel / size) + 0.5);
  }
  return sum > 0 ? [x / sum / size, y / sum / size] : [0.5, 0.5];
}

/** rgba: size² × 4 bytes, weights of skin, hair, clothes. Fills the canvas, one pixel a texel. */
export function drawRegions(canvas, rgba, size) {
  Object.assign(canvas, {width: size, height: size});
  const picture = new ImageData(size, size);
  for (let at = 0; at < rgba.length; at += 4) {
    const groups = [rgba[at] / 255, rgba[at + 1] / 255, rgba[at + 2] / 255];
    const weights = [...groups, Math.max(0, 1 - groups[0] - groups[1] - groups[2])];
    for (let channel = 0; channel < 3; channel += 1) {
      picture.data[at + channel] = weights.reduce((sum, w, i) => sum + w * COLOURS[i][channel], 0);
    }
    picture.data[at + 3] = 255;
  }
  canvas.getContext('2d').putImageData(picture, 0, 0);
}
