// The bundle's .tflite on LiteRT.js, in a worker, so that the page stays responsive while it runs.

import {PADDING, firstPart, shownMask, shownPart} from './fit.mjs';

const MOST_THREADS = 4; // beyond four, a network of this size gains nothing on phones or laptops

/** `litert`: URL of the folder with LiteRT.js (core.mjs, wasm/). Rejects when it cannot be loaded. */
export async function openSegmenter(bundle, litert) {
  const entry = await bundle.segmenter('tflite');
  const model = await bundle.bytes(entry.path);
  // Threads need SharedArrayBuffer, which browsers give to cross-origin isolated pages only.
  const threads = globalThis.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  const segmenter = new Segmenter(entry, threads);
  await segmenter.load(new URL(litert, location.href).href, model);
  return segmenter;
}

class Segmenter {
  #worker = new Worker(new URL('segmenter-worker.js', import.meta.url));
  #waiting = [];
  #canvas;

  /** inputSize, maskSize: {width, height} in pixels. */
  constructor({inputSize, maskSize}, threads) {
    this.inputSize = inputSize;
    this.maskSize = maskSize;
    this.threads = threads;
    const {width, height} = inputSize;
    this.#canvas = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
    this.#canvas.imageSmoothingQuality = 'high';
    this.#canvas.fillStyle = PADDING;
    this.#worker.onmessage = ({data}) => {
      const {resolve, reject} = this.#waiting.shift();
      if (data.error) reject(new Error(data.error));
      else resolve(data);
    };
    this.#worker.onerror = () => this.#waiting.shift()?.reject(new Error('The worker that runs the network cannot be loaded.'));
  }

  async load(litert, model) {
    const {ms} = await this.#ask({kind: 'load', litert, model, threads: this.threads}, [model.buffer]);
    this.loadMs = ms;
  }

  /**
   * source: anything drawImage takes, upright. The whole picture is fitted to the network's input.
   * Returns {mask: width × height × 4 bytes (skin, hair, clothes, background) of the picture, width, height, ms: the
   * run call alone}.
   */
  async segment(source) {
    const {width, height} = this.inputSize;
    const shown = shownPart(sizeOf(source), this.inputSize);
    this.#canvas.fillRect(0, 0, width, height);
    this.#canvas.drawImage(source, 0, 0, shown.width, shown.height);
    const rgba = this.#canvas.getImageData(0, 0, width, height).data;
    const rgb = new Uint8Array(width * height * 3);
    for (let from = 0, to = 0; from < rgba.length; from += 4) {
      rgb[to++] = rgba[from];
      rgb[to++] = rgba[from + 1];
      rgb[to++] = rgba[from + 2];
    }
    const {mask, ms} = await this.#ask({kind: 'run', rgb, height, width}, [rgb.buffer]);
    const part = shownMask(this.maskSize, shown, this.inputSize);
    return {mask: firstPart(mask, this.maskSize, part), ...part, ms};
  }

  /** Answers come in the order of the questions. */
  #ask(message, transferred) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({resolve, reject});
      this.#worker.postMessage(message, transferred);
    });
  }
}

/** A video's, an image's or a canvas's own size. */
function sizeOf(source) {
  return {
    width: source.videoWidth ?? source.naturalWidth ?? source.width,
    height: source.videoHeight ?? source.naturalHeight ?? source.height,
  };
}
