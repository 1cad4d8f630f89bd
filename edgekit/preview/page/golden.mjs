// The bundle's golden picture: how far from it a network is on this machine.

import {deltaE00P95} from './delta-e.mjs';
import {Still} from './still.mjs';

/** Reads the golden pictures; `close()` what it resolves to. */
export async function openGolden(bundle) {
  const {golden} = bundle.index;
  const shader = await bundle.shader(golden.style);
  return new Golden(golden, await pictureAt(bundle, golden.image), await pictureAt(bundle, golden.styled), new Still(shader));
}

class Golden {
  #picture;
  #styled;
  #controls;
  #still;

  constructor(golden, picture, styled, still) {
    this.bound = golden.end_to_end_delta_e00_p95; // the largest deltaE00P95 of a network that is right
    this.#controls = golden.uniforms;
    this.#picture = picture;
    this.#styled = rgba(styled);
    this.#still = still;
  }

  /** One run of a segmenter on the picture, and the styled result's distance: {deltaE00P95, inferenceMs}. */
  async prove(segmenter) {
    const {ms, ...mask} = await segmenter.segment(this.#picture);
    const drawn = await this.#still.draw(this.#picture, mask, this.#controls);
    const {width, height} = this.#picture;
    return {deltaE00P95: deltaE00P95(drawn.getImageData(0, 0, width, height).data, this.#styled), inferenceMs: ms};
  }

  close() {
    this.#picture.close();
    this.#still.close();
  }
}

async function pictureAt(bundle, {path}) {
  return createImageBitmap(new Blob([await bundle.bytes(path)], {type: 'image/png'}));
}

function rgba(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d', {willReadFrequently: true});
  canvas.drawImage(picture, 0, 0);
  picture.close();
  return canvas.getImageData(0, 0, canvas.canvas.width, canvas.canvas.height).data;
}
