// Photos as files: styled at their own size, before and after as one, or all of them in a zip.

import {distinctNames, formatFor, savedName} from './names.mjs';
import {compared, encoded, pictureOf} from './pictures.mjs';
import {Still} from './still.mjs';
import {Zip} from './zip.mjs';

// The largest canvas that every browser has: Safari's, which holds no more pixels.
const LARGEST_SAVED = {side: 16384, pixels: 2 ** 26};

export class Saver {
  #shaders;
  #masks;
  #limits;

  /** shaders: of `Bundle.shader`, by style. masks: a Masks. limits: of the pictures that masks are found in. */
  constructor(shaders, masks, limits) {
    this.#shaders = shaders;
    this.#masks = masks;
    this.#limits = limits;
  }

  /** A photo in a style, at its own size. look: {styleName, controls}. Returns {blob, name, note}: a sentence on it. */
  async picture(photo, look) {
    return this.#with(look, (still) => this.#styled(still, photo, look));
  }

  /** A photo before and after as one picture, each as large as the page shows it. Returns {blob, name, note}. */
  async comparison(photo, look) {
    return this.#with(look, async (still) => {
      const {picture} = await pictureOf(photo, this.#limits);
      const mask = await this.#masks.of(photo, picture), format = formatFor(photo.type);
      const canvas = compared(picture, (await still.draw(picture, mask, look.controls)).canvas);
      picture.close();
      const name = savedName(photo.name, format.suffix, look.styleName, 'compare');
      return {blob: await encoded(canvas, format), name, note: noteOn(name, canvas, canvas)};
    });
  }

  /** A photo's mask as a picture, red skin, green hair, blue clothes, which `edgekit style --mask` takes. */
  async mask(photo) {
    const {mask, width, height} = await this.#maskOf(photo), name = savedName(photo.name, 'png', 'mask');
    return {blob: await weightsPicture(mask, width, height), name, note: `${name}: edgekit style ${photo.name} --mask ${name}`};
  }

  /** What is drawn on a photo as a picture, drawn_1 to 3 in red, green, blue, which `edgekit style --map` takes. */
  async drawn(photo) {
    const {mask, drawn, width, height} = await this.#maskOf(photo), name = savedName(photo.name, 'png', 'map');
    const blob = await weightsPicture(drawn ?? new Uint8Array(mask.length), width, height);
    return {blob, name, note: `${name}: edgekit style ${photo.name} --map ${name}`};
  }

  /** Photos in a style at their own sizes, in a zip. onProgress(n): before the n-th. Returns {blob, name, note}. */
  async all(photos, look, onProgress) {
    return this.#with(look, async (still) => {
      const zip = new Zip(), notes = [];
      const names = distinctNames(photos.map(({name, type}) => savedName(name, formatFor(type).suffix, look.styleName)));
      for (const [i, photo] of photos.entries()) {
        onProgress(i + 1);
        const {blob, note, isSmaller} = await this.#styled(still, photo, look);
        await zip.add(names[i], blob);
        if (isSmaller) notes.push(note);
      }
      const name = savedName('photos', 'zip', look.styleName);
      return {blob: zip.blob(), name, note: [`${name}: ${photos.length} photos.`, ...notes].join(' ')};
    });
  }

  async #with({styleName}, work) {
    const still = new Still(this.#shaders.get(styleName));
    try {
      return await work(still);
    } finally {
      still.close();
    }
  }

  async #styled(still, photo, {styleName, controls}) {
    const mask = await this.#maskOf(photo), format = formatFor(photo.type);
    const {picture, original} = await pictureOf(photo, LARGEST_SAVED);
    const {canvas} = await still.draw(picture, mask, controls);
    picture.close();
    const name = savedName(photo.name, format.suffix, styleName);
    const isSmaller = canvas.width !== original.width || canvas.height !== original.height;
    return {blob: await encoded(canvas, format), name, note: noteOn(name, canvas, original), isSmaller};
  }

  /** A photo's mask, which is found now if the photo was not shown before. */
  async #maskOf(photo) {
    if (photo.mask) return photo.mask;
    const {picture} = await pictureOf(photo, this.#limits);
    try {
      return await this.#masks.of(photo, picture);
    } finally {
      picture.close();
    }
  }
}

/** Three weights a texel as an opaque PNG. */
function weightsPicture(rgba, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const opaque = rgba.map((weight, i) => (i % 4 === 3 ? 255 : weight));
  canvas.getContext('2d').putImageData(new ImageData(new Uint8ClampedArray(opaque), width, height), 0, 0);
  return encoded(canvas, {type: 'image/png'});
}

function noteOn(name, {width, height}, original) {
  const size = `${width}×${height} pixels`;
  if (width === original.width && height === original.height) return `${name}: ${size}.`;
  return `${name}: ${size} instead of ${original.width}×${original.height}, because not every browser draws a larger picture.`;
}
