// The bundle's .tflite on LiteRT.js, in a worker, so that the page stays responsive while it runs.

import {PADDING, firstPart, shownMask, shownPart} from './fit.mjs';

const ARTIFACT_FOR = {wasm: null, webgpu: 'gpu'}; // as bundle.json calls them
const MOST_THREADS = 4; // beyond four, a network of this size gains nothing on phones or laptops

/**
 * `litert`: URL of the folder with LiteRT.js (core.mjs, wasm/). accelerator: 'wasm', the CPU, or 'webgpu', which runs
 * the bundle's artifact for GPUs, and whose masks are to be held to the golden picture (golden.mjs) before they are
 * used. signal: an AbortSignal that ends the opening. Rejects with a sentence when it cannot be loaded, or the
 * accelerator does not take the whole network.
 */
export async function openSegmenter(bundle, litert, {accelerator = 'wasm', signal} = {}) {
  if (!Object.hasOwn(ARTIFACT_FOR, accelerator)) throw new Error(`There is no accelerator "${accelerator}"; known are wasm and webgpu.`);
  const entry = await bundle.segmenter('tflite', ARTIFACT_FOR[accelerator]);
  const model = await bundle.bytes(entry.path);
  const segmenter = new Segmenter(entry, accelerator, accelerator === 'wasm' ? threadsHere() : 1);
  const end = () => segmenter.close();
  signal?.addEventListener('abort', end);
  if (signal?.aborted) end();
  try {
    await segmenter.load(new URL(litert, location.href).href, model);
  } catch (error) {
    end();
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
  }
  return segmenter;
}

/** The name of the GPU that 'webgpu' would use, as far as the browser tells it; null where there is none. */
export async function webgpuDevice() {
  const adapter = await navigator.gpu?.requestAdapter({powerPreference: 'high-performance'}); // as LiteRT.js asks
  return adapter ? `${adapter.info.vendor} ${adapter.info.architecture}`.trim() : null;
}

/** Threads need SharedArrayBuffer, which browsers give to cross-origin isolated pages only. */
function threadsHere() {
  return globalThis.crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
}

class Segmenter {
  #worker = new Worker(new URL('segmenter-worker.js', import.meta.url));
  #waiting = [];
  #canvas;
  #failure = null;

  /** inputSize, maskSize: {width, height} in pixels. */
  constructor({inputSize, maskSize}, accelerator, threads) {
    this.inputSize = inputSize;
    this.maskSize = maskSize;
    this.accelerator = accelerator;
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
    this.#worker.onerror = () => this.#end(new Error('The worker that runs the network cannot be loaded.'));
  }

  async load(litert, model) {
    const {accelerator, threads} = this;
    const {ms, device} = await this.#ask({kind: 'load', litert, model, accelerator, threads}, [model.buffer]);
    this.loadMs = ms;
    this.device = device; // the GPU's name as of webgpuDevice; empty on the CPU
  }

  /**
   * source: anything drawImage takes, upright. The whole picture is fitted to the network's input.
   * Returns {mask: width × height × 4 bytes (skin, hair, clothes, background) of the picture, width, height, ms: from
   * the input to the mask's bytes}.
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
    if (mask.length !== 4 * this.maskSize.width * this.maskSize.height) {
      throw new Error(`The network gave ${mask.length} bytes, which is no mask of ${this.maskSize.width}×${this.maskSize.height}.`);
    }
    const part = shownMask(this.maskSize, shown, this.inputSize);
    return {mask: firstPart(mask, this.maskSize, part), ...part, ms};
  }

  /** Ends the worker and all it holds, also while the network runs: whoever waits gets an error. */
  close() {
    this.#worker.terminate();
    this.#end(new Error('The network was closed.'));
  }

  /** Answers come in the order of the questions. */
  #ask(message, transferred) {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({resolve, reject});
      this.#worker.postMessage(message, transferred);
    });
  }

  #end(error) {
    this.#failure ??= error;
    for (const {reject} of this.#waiting.splice(0)) reject(this.#failure);
  }
}

/** A video's, an image's or a canvas's own size. */
function sizeOf(source) {
  return {
    width: source.videoWidth ?? source.naturalWidth ?? source.width,
    height: source.videoHeight ?? source.naturalHeight ?? source.height,
  };
}
