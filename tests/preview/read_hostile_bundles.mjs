// Print what the page's reader makes of each bundle in EDGEKIT_CASES, a folder that tests/support/hostile_bundles.py
// wrote. Anything but a BundleError ends the program.

import {readFile} from 'node:fs/promises';

const PAGE = process.env.EDGEKIT_PAGE, FOLDER = process.env.EDGEKIT_CASES;
const {BundleError, openBundle} = await import(`${PAGE}/bundle.mjs`);

async function readAll(folder) {
  const bundle = await openBundle(async (path) => {
    try {
      return new Uint8Array(await readFile(`${folder}/${path}`));
    } catch {
      throw new BundleError(`${path} cannot be fetched.`); // as over HTTP
    }
  });
  for (const {path} of bundle.index.files) await bundle.bytes(path);
  for (const {name} of bundle.index.styles) await bundle.shader(name);
  await bundle.segmenter('tflite');
}

const readings = [];
for (const {name, folder} of JSON.parse(await readFile(`${FOLDER}/cases.json`, 'utf-8'))) {
  const start = performance.now();
  let sentence = null;
  if (!name.startsWith('a pipe')) { // a page sees no pipes, and Node would wait for this one
    try {
      await readAll(`${FOLDER}/${folder}`);
    } catch (error) {
      if (!(error instanceof BundleError)) throw new Error(name, {cause: error});
      sentence = error.message;
    }
  }
  readings.push({name, sentence, ms: performance.now() - start});
}
process.stdout.write(JSON.stringify(readings));
