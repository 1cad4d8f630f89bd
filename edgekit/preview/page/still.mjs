// One style, drawn offscreen over pictures of any size: for files, and for the golden picture.

import {Renderer} from './renderer.mjs';

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
   * picture: an ImageBitmap. mask: of the whole picture, {mask, width, height} as `segment` gives it.
   */
  async draw(picture, {mask, width, height}, controls) {
    const result = new OffscreenCanvas(picture.width, picture.height).getContext('2d', {alpha: false, willReadFrequently: true});
    this.#renderer.setMask(mask, width, height);
    for (const tile of tiles(picture, this.#tileSide(picture))) {
      const part = await createImageBitmap(picture, tile.x, tile.y, tile.width, tile.height);
      Object.assign(this.#renderer.canvas, {width: tile.width, height: tile.height});
      this.#renderer.setPicture(part);
      part.close();
      this.#renderer.draw(this.#style, controls, {matrices: {mask_from_image: maskFromTile(tile, picture)}});
      result.drawImage(this.#renderer.canvas, tile.x, tile.y);
    }
    if (this.#renderer.isLost) throw new Error('The graphics driver was reset while a picture was drawn; try again.');
    return result;
  }

  /** Blurs and second pictures are of the whole picture: such a style is drawn in one piece. */
  #tileSide({width, height}) {
    if (!this.#style.isWhole) return TILE;
    const side = this.#renderer.largestSide;
    if (Math.max(width, height) <= side) return side;
    throw new Error(`This style is drawn in one piece, and this GPU draws at most ${side} px a side; make the photo smaller.`);
  }

  close() {
    this.#renderer.close();
  }
}

function tiles({width, height}, side) {
  const starts = (length) => Array.from({length: Math.ceil(length / side)}, (_, i) => i * side);
  return starts(height).flatMap((y) => starts(width).map((x) => (
    {x, y, width: Math.min(side, width - x), height: Math.min(side, height - y)})));
}

/** Where the whole picture's mask has the points of a tile, in texture space. */
function maskFromTile(tile, {width, height}) {
  return [tile.width / width, 0, tile.x / width, 0, tile.height / height, tile.y / height, 0, 0, 1];
}
