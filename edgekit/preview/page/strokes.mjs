// Strokes of a brush over a mask: what they cover becomes all of one region, softly at their edge.

export const REGIONS = ['skin', 'hair', 'clothes', 'background']; // the mask's channels, and what they leave
export const DRAWN_REGIONS = ['drawn_1', 'drawn_2', 'drawn_3']; // the channels of what is drawn beside the mask
export const NOTHING_DRAWN = 'nothing drawn'; // the region that takes from those
const HARD = 0.5; // of the radius: so far a stroke covers all; from there to its edge ever less

export class Stroke {
  #before;
  #plane; // which of a mask's bytes the stroke changes: `mask`, or `drawn`
  #earlier; // those bytes
  #covered; // by texel, 0…1: however often the stroke comes back, its edge stays soft
  #target;
  #picture;
  #radius;
  #last = null;

  /**
   * before: a mask, {mask, drawn, width, height}, of all of the picture; `drawn` is missing until something is. region:
   * of REGIONS, DRAWN_REGIONS or NOTHING_DRAWN. picture: {width, height}, in whose pixels the brush is round. radius: a
   * share of its shorter side.
   */
  constructor(before, region, picture, radius) {
    this.#before = before;
    this.#plane = REGIONS.includes(region) ? 'mask' : 'drawn';
    this.#earlier = before[this.#plane] ?? new Uint8Array(before.mask.length);
    this.#covered = new Float32Array(before.width * before.height);
    const channels = this.#plane === 'mask' ? REGIONS.slice(0, 3) : DRAWN_REGIONS;
    this.#target = channels.map((name) => (name === region ? 255 : 0));
    this.#picture = picture;
    this.#radius = radius * Math.min(picture.width, picture.height);
  }

  /** Go on to a point, in fractions of the picture's sides. Returns the mask as it is then, a new one. */
  to(x, y) {
    const point = [x * this.#picture.width, y * this.#picture.height];
    this.#cover(this.#last ?? point, point);
    this.#last = point;
    const earlier = this.#earlier, painted = new Uint8Array(earlier);
    for (let i = 0; i < this.#covered.length; i += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        const at = 4 * i + channel;
        painted[at] = Math.round(earlier[at] + this.#covered[i] * (this.#target[channel] - earlier[at]));
      }
    }
    return {...this.#before, [this.#plane]: painted};
  }

  #cover(from, to) {
    const {width, height} = this.#before;
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const point = [(column + 0.5) / width * this.#picture.width, (row + 0.5) / height * this.#picture.height];
        const cover = coverage(distanceToSegment(point, from, to) / this.#radius), i = row * width + column;
        if (cover > this.#covered[i]) this.#covered[i] = cover;
      }
    }
  }
}

/** distance: from the stroke's middle, in radii. */
function coverage(distance) {
  const t = Math.min(1, Math.max(0, (1 - distance) / (1 - HARD)));
  return t * t * (3 - 2 * t);
}

function distanceToSegment([x, y], [x0, y0], [x1, y1]) {
  const [dx, dy] = [x1 - x0, y1 - y0], length2 = dx * dx + dy * dy;
  const t = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((x - x0) * dx + (y - y0) * dy) / length2));
  return Math.hypot(x - x0 - t * dx, y - y0 - t * dy);
}
