// The mask as colours, for people: skin, hair and clothes by weight, the background dark.

const COLOURS = [[239, 131, 84], [125, 91, 166], [61, 139, 186], [22, 22, 26]]; // as the legend's

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
