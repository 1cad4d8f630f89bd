// The bundle's .tflite on LiteRT.js, in a worker, so that the page stays responsive while it runs.

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
  #square;

  constructor({input_size: inputSize, mask_size: maskSize}, threads) {
    this.inputSize = inputSize;
    this.maskSize = maskSize;
    this.threads = threads;
    this.#square = new OffscreenCanvas(inputSize, inputSize).getContext('2d', {willReadFrequently: true});
    this.#square.imageSmoothingQuality = 'high';
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
   * source: anything drawImage takes, upright. The whole picture is stretched to the network's square.
   * Returns {mask: maskSize² × 4 bytes (skin, hair, clothes, background), ms: the run call alone}.
   */
  segment(source) {
    const side = this.inputSize;
    this.#square.drawImage(source, 0, 0, side, side);
    const rgba = this.#square.getImageData(0, 0, side, side).data;
    const rgb = new Uint8Array(side * side * 3);
    for (let from = 0, to = 0; from < rgba.length; from += 4) {
      rgb[to++] = rgba[from];
      rgb[to++] = rgba[from + 1];
      rgb[to++] = rgba[from + 2];
    }
    return this.#ask({kind: 'run', rgb, side}, [rgb.buffer]);
  }

  /** Answers come in the order of the questions. */
  #ask(message, transferred) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({resolve, reject});
      this.#worker.postMessage(message, transferred);
    });
  }
}
