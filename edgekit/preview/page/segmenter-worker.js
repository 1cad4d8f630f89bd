// A classic worker: LiteRT.js loads its WebAssembly with importScripts, which module workers lack.

let core, model;
let gpuLost = new Promise(() => {}); // rejects when the GPU that runs the network is gone

async function load({litert, model: bytes, accelerator, threads}) {
  const start = performance.now();
  const onGpu = accelerator === 'webgpu';
  if (onGpu) checkGpu();
  // In a worker Emscripten takes this file's address for its own; these lead it to the .wasm and its threads.
  self.Module = {
    locateFile: (file) => `${litert}/wasm/${file}`,
    mainScriptUrlOrBlob: `${litert}/wasm/litert_wasm_threaded_internal.js`,
  };
  core = await import(`${litert}/core.mjs`);
  await core.loadLiteRt(`${litert}/wasm/`, {threads: threads > 1, jspi: onGpu});
  const device = onGpu ? openedGpu() : '';
  model = await core.loadAndCompile(bytes, {accelerator, cpuOptions: {numThreads: threads}});
  // LiteRT.js computes on the CPU what its GPU backend does not take, and only logs that.
  if (onGpu && !model.isFullyAccelerated) {
    throw new Error('its WebGPU backend does not take every operator of this network; use the CPU.');
  }
  return {ms: performance.now() - start, device};
}

/** The network's bytes leave the GPU while WebAssembly waits, which only browsers with JSPI let it do. */
function checkGpu() {
  if (!navigator.gpu) throw new Error('this browser has no WebGPU; use the CPU.');
  if (!('Suspending' in WebAssembly)) throw new Error('this browser has no JSPI, which WebGPU needs; use the CPU.');
}

/** The name of the GPU that LiteRT.js has opened. */
function openedGpu() {
  const gpu = core.getWebGpuDevice();
  if (!gpu) throw new Error('this browser has no GPU for WebGPU; use the CPU.');
  gpuLost = gpu.lost.then(({message}) => { throw new Error(`the GPU was lost (${message}).`); });
  gpuLost.catch(() => {}); // who waits for a run hears of it
  const {vendor, architecture} = gpu.adapterInfo;
  return `${vendor} ${architecture}`.trim();
}

async function run({rgb, height, width}) {
  const input = new core.Tensor(rgb, [1, height, width, 3]);
  const start = performance.now();
  const [output] = await Promise.race([model.run([input]), gpuLost]);
  const mask = await output.data(); // a copy: the tensor's memory is WebAssembly's or the GPU's
  const ms = performance.now() - start;
  input.delete(); // LiteRT.js frees nothing by itself
  output.delete();
  return {mask, ms};
}

const ANSWERS = {load, run};

self.onmessage = async ({data}) => {
  try {
    const answer = await ANSWERS[data.kind](data);
    self.postMessage(answer, answer.mask ? [answer.mask.buffer] : []);
  } catch (error) {
    self.postMessage({error: `LiteRT.js: ${error?.message ?? error}`});
  }
};
