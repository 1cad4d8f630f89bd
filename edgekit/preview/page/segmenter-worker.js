// A classic worker: LiteRT.js loads its WebAssembly with importScripts, which module workers lack.

let core, model;

async function load({litert, model: bytes, threads}) {
  const start = performance.now();
  // In a worker Emscripten takes this file's address for its own; these lead it to the .wasm and its threads.
  self.Module = {
    locateFile: (file) => `${litert}/wasm/${file}`,
    mainScriptUrlOrBlob: `${litert}/wasm/litert_wasm_threaded_internal.js`,
  };
  core = await import(`${litert}/core.mjs`);
  await core.loadLiteRt(`${litert}/wasm/`, {threads: threads > 1});
  model = await core.loadAndCompile(bytes, {accelerator: 'wasm', cpuOptions: {numThreads: threads}});
  return {ms: performance.now() - start};
}

async function run({rgb, height, width}) {
  const input = new core.Tensor(rgb, [1, height, width, 3]);
  const start = performance.now();
  const [output] = await model.run([input]);
  const ms = performance.now() - start;
  const mask = output.toTypedArray().slice(); // the tensor's memory belongs to WebAssembly
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
