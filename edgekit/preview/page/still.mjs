// One style, drawn offscreen over pictures of any size: for files, and for the golden picture.

import {Renderer} from './renderer.mjs';
import {grainFrom} from './transforms.mjs';

const TILE = 2048; // pixels: a texture that every WebGL2 takes; so GPU memory does not grow with the picture

export class Still {
  #renderer = new Renderer(new OffscreenCanvas(1, 1));
  #style;

  /** shader: from `Bundle.shader`. */
  constructor(shader) {
    this.#style = this.#renderer.style(shader);
  }

  /**
   * The 2D context of a canvas with the styled picture, at its own size.
   * picture: an ImageBitmap. mask: of the whole picture, as `Renderer.setMask` takes it.
   */
  async draw(picture, mask, controls) {
    const result = new OffscreenCanvas(picture.width, picture.height).getContext('2d', {alpha: false, willReadFrequently: true});
    this.#renderer.setMask(mask);
    const whole = {x: 0, y: 0, width: picture.width, height: picture.height};
    const margin = marginOf(this.#style.description, picture, mask);
    for (const tile of tiles(picture, this.#tileSide(picture, margin), margin)) {
      const read = grown(tile, margin, picture);
      const part = await createImageBitmap(picture, read.x, read.y, read.width, read.height);
      Object.assign(this.#renderer.canvas, {width: tile.width, height: tile.height});
      this.#renderer.setPicture(part);
      part.close();
      const matrices = {
        image_from_output: placeOf(tile, read), mask_from_image: placeOf(read, whole), grain_from_image: grainFrom(read, whole),
      };
      this.#renderer.draw(this.#style, controls, {matrices});
      result.drawImage(this.#renderer.canvas, tile.x, tile.y);
    }
    if (this.#renderer.isLost) throw new Error('The graphics driver was reset while a picture was drawn; try again.');
    return result;
  }

  /** Blurs and second pictures are of the whole picture: such a style is drawn in one piece. So is one whose tiles
   * would be mostly margin. */
  #tileSide({width, height}, margin) {
    if (!this.#style.isWhole && margin <= TILE / 4) return TILE;
    const side = this.#renderer.largestSide;
    if (Math.max(width, height) <= side) return side;
    throw new Error(`This style is drawn in one piece, and this GPU draws at most ${side} px a side; make the photo smaller.`);
  }

  close() {
    this.#renderer.close();
  }
}

/** Pixels around a tile whose colours its mask is refined with: none where the mask is only interpolated. */
function marginOf({refinement}, picture, mask) {
  if (refinement.method !== 'joint-bilateral') return 0;
  return Math.ceil(refinement.reach * Math.max(picture.width / mask.width, picture.height / mask.height)) + 1;
}

/** Parts of a picture that cover it, which are at most `side` a side with their margins. */
function tiles({width, height}, side, margin) {
  const parts = (length) => {
    const step = length <= side ? length : side - 2 * margin;
    return Array.from({length: Math.ceil(length / step)}, (_, i) => ({start: i * step, extent: Math.min(step, length - i * step)}));
  };
  return parts(height).flatMap(({start: y, extent: h}) => parts(width).map(({start: x, extent: w}) => ({x, y, width: w, height: h})));
}

/** A tile with its margin, as far as the picture goes. */
function grown(tile, margin, picture) {
  const x = Math.max(0, tile.x - margin), y = Math.max(0, tile.y - margin);
  return {
    x, y, width: Math.min(picture.width, tile.x + tile.width + margin) - x,
    height: Math.min(picture.height, tile.y + tile.height + margin) - y,
  };
}

/** The matrix that takes the points of a part to those of a larger part, in texture space. */
function placeOf(part, whole) {
  return [
    part.width / whole.width, 0, (part.x - whole.x) / whole.width,
    0, part.height / whole.height, (part.y - whole.y) / whole.height, 0, 0, 1,
  ];
}
