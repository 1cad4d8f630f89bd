// The page's network: on WebGPU where the golden picture proves it there several times in a row, and it is faster; else
// on the CPU.

import {AcceleratorChooser} from './accelerator.mjs';
import {openGolden} from './golden.mjs';
import {openSegmenter, webgpuDevice} from './segmenter.mjs';

const STORED_AS = 'edgekit/accelerator-choice';
const MOST_OPENING_MS = 20_000; // as long as a whole trial may take

/**
 * Resolves to {network: an open segmenter, sentences: one on each accelerator that was tried, in this visit or in the
 * one that is remembered}. onTrial(): called while accelerators are compared, which takes some seconds.
 */
export async function chosenSegmenter(bundle, litert, onTrial) {
  const device = bundle.isAccelerated('tflite') ? await webgpuDevice() : null;
  if (device === null) return {network: await openSegmenter(bundle, litert), sentences: []};
  const cpu = {
    accelerator: 'wasm',
    artifactSha256: (await bundle.segmenter('tflite')).sha256,
    open: () => openSegmenter(bundle, litert),
  };
  const gpu = {
    accelerator: 'webgpu',
    artifactSha256: (await bundle.segmenter('tflite', 'gpu')).sha256,
    open: () => openSegmenter(bundle, litert, {accelerator: 'webgpu', signal: AbortSignal.timeout(MOST_OPENING_MS)}),
  };
  const store = openStore();
  let golden = null; // read for a trial only
  const chooser = new AcceleratorChooser({
    place: {device, driver: navigator.userAgent, runtime: `LiteRT.js of edgekit ${bundle.index.edgekit_version}`},
    bound: bundle.index.golden.end_to_end_delta_e00_p95,
    store,
    nowMs: () => performance.now(),
    prove: async (network) => {
      onTrial();
      golden ??= await openGolden(bundle);
      return golden.prove(network);
    },
    close: (network) => network.close(),
  });
  addEventListener('pagehide', store.end);
  try {
    return await chooser.choose(cpu, [gpu]);
  } finally {
    removeEventListener('pagehide', store.end);
    golden?.close();
  }
}

/** Remembers the choice; `end()` when the page is left in a trial, which then neither crashed nor found anything. */
function openStore() {
  let isOpen = true;
  return {
    read: () => localStorage.getItem(STORED_AS),
    write: (text) => { if (isOpen) localStorage.setItem(STORED_AS, text); },
    end: () => {
      isOpen = false;
      localStorage.removeItem(STORED_AS);
    },
  };
}
