// The page's pure logic against the bundle's golden/vectors.json. Run by tests/preview/test_page_logic.py.

import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {test} from 'node:test';

const PAGE = process.env.EDGEKIT_PAGE, FOLDER = process.env.EDGEKIT_BUNDLE;
const {BundleError, openBundle, safePath, sha256} = await import(`${PAGE}/bundle.mjs`);
const {parsedJson} = await import(`${PAGE}/json.mjs`);
const {aspectFill, copySize, squareAround} = await import(`${PAGE}/transforms.mjs`);
const {firstPart, shownMask, shownPart} = await import(`${PAGE}/fit.mjs`);
const {faceCentre} = await import(`${PAGE}/regions.mjs`);
const {uniformValues, BEFORE} = await import(`${PAGE}/uniforms.mjs`);

const fromDisk = async (path) => new Uint8Array(await readFile(`${FOLDER}/${path}`));
const bundle = await openBundle(fromDisk);
const vectors = await bundle.json(bundle.index.golden.vectors);

test('the matrices are those of Python', () => {
  assert.ok(vectors.transforms.length >= 12);
  for (const view of vectors.transforms) {
    const made = aspectFill({
      width: view.sensor_width, height: view.sensor_height, quarterTurns: view.quarter_turns,
      mirror: view.mirror, viewWidth: view.view_width, viewHeight: view.view_height,
    });
    for (const name of ['image_from_output', 'mask_from_image']) {
      made[name].forEach((value, i) => assert.ok(Math.abs(value - view[name][i]) < 1e-12, `${name} of ${JSON.stringify(view)}`));
    }
  }
});

test('the uniforms are those of the Metal and WGSL block', async () => {
  assert.ok(vectors.uniform_blocks.length >= 6);
  for (const {style, values, transform, block_base64: base64} of vectors.uniform_blocks) {
    const {description} = await bundle.shader(style);
    const block = Buffer.from(base64, 'base64');
    assert.equal(block.length, description.uniform_block_size_bytes);
    const {sensor_width: image_width, sensor_height: image_height, ...matrices} = vectors.transforms[transform];
    const made = uniformValues(description, {...values, image_width, image_height}, matrices);
    made.forEach(({name, value}, i) => {
      const {offset_bytes: at, name: plain} = description.uniforms[i];
      assert.equal(name, `u_${plain}`);
      // A mat3's columns are 16 bytes apart in the block, 12 in what WebGL takes.
      value.forEach((v, k) => {
        const given = block.readFloatLE(at + 4 * (k + Math.floor(k / 3)));
        assert.ok(Math.fround(v) === given, `${style} ${name} ${k}: ${v} is not ${given}`); // −0 is 0
      });
    });
  }
});

test('photos lie in the same part of the input as in Python', () => {
  assert.ok(vectors.fits.length >= 20);
  for (const {width, height, ...of} of vectors.fits) {
    const photo = {width: of.photo_width, height: of.photo_height}, input = {width: of.input_width, height: of.input_height};
    const {width: w, height: h} = shownPart(photo, input);
    assert.deepEqual({w, h}, {w: width, h: height}, JSON.stringify(of));
  }
});

test('the small copy of a photo has the sides that it has in Python', () => {
  assert.ok(vectors.copies.length >= 8);
  for (const {photo_width: width, photo_height: height, longest_side: longest, ...copy} of vectors.copies) {
    assert.deepEqual(copySize({width, height}, longest), [copy.width, copy.height], JSON.stringify({width, height}));
  }
});

test('a mask is cut to its first rows and columns', () => {
  const rgba = Uint8Array.from({length: 24}, (_, i) => i), whole = {width: 3, height: 2};
  assert.equal(firstPart(rgba, whole, whole), rgba);
  assert.deepEqual([...firstPart(rgba, whole, {width: 3, height: 1})], [...rgba.subarray(0, 12)]);
  assert.deepEqual([...firstPart(rgba, whole, {width: 2, height: 2})], [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16, 17, 18, 19]);
  const part = shownMask({width: 96, height: 128}, {width: 384, height: 224}, {width: 384, height: 512});
  assert.deepEqual(part, {width: 96, height: 56});
});

test('a network of rows x columns is read with its manifest', async () => {
  const path = bundle.index.segmenters.find((each) => each.target === 'tflite').manifest;
  const manifest = JSON.parse(await readFile(`${FOLDER}/${path}`, 'utf-8'));
  manifest.inputs[0].shape = [1, 192, 128, 3];
  manifest.outputs[0].shape = [1, 48, 32, 4];
  const read = async (preprocessing, size = '192x128') => {
    const bytes = Buffer.from(JSON.stringify({...manifest, preprocessing}));
    const digest = await sha256(bytes);
    const changed = await opened((v) => {
      Object.assign(v.segmenters.find((each) => each.target === 'tflite'), {input_size: size, mask_size: '48x32'});
      Object.assign(v.files.find((file) => file.path === path), {size_bytes: bytes.length, sha256: digest});
    }, {[path]: bytes});
    return changed.segmenter('tflite');
  };
  const {inputSize, maskSize} = await read('fit-bilinear-antialias-srgb-u8/1');
  assert.deepEqual([inputSize, maskSize], [{width: 128, height: 192}, {width: 32, height: 48}]);
  await assert.rejects(read('crop/1'), /not for photos fitted by/);
  await assert.rejects(read('fit-bilinear-antialias-srgb-u8/1', '128x192'), /does not take RGB bytes/);
  for (const size of ['192x', '0x128', '192X128', '192x16385', '192', 1.5]) {
    await assert.rejects(read('fit-bilinear-antialias-srgb-u8/1', size), /input_size is not/, String(size));
  }
});

test('the tables are those of Python', async () => {
  assert.ok(vectors.hashes.length > 0);
  for (const {path, sha256: expected} of vectors.hashes) assert.equal(await sha256(await bundle.bytes(path)), expected);
});

test('values beyond a control are held at its ends, and before is no style', async () => {
  const {description} = await bundle.shader(bundle.index.default_style);
  const of = (controls, name) => uniformValues(description, controls).find((u) => u.name === `u_${name}`).value[0];
  assert.equal(of({tone: -7}, 'tone'), -1);
  assert.equal(of({warmth: 7}, 'warmth'), 1);
  assert.equal(of({...{intensity: 0.5}, ...BEFORE}, 'intensity'), 0);
});

test('a thumbnail is the square around the face, inside the picture', () => {
  const rgba = new Uint8Array(4 * 16); // 4 × 4 texels
  assert.deepEqual(faceCentre(rgba, 4, 4), [0.5, 0.5]);
  rgba[4 * 3] = 20; // row 0: a stray texel
  rgba[4 * 5] = 90; // row 1: columns 1 and 2
  rgba[4 * 6] = 30;
  rgba[4 * 12] = 200; // row 3: a hand, further down
  rgba[4 * 2 + 1] = 255; // hair, not looked at
  assert.deepEqual(faceCentre(rgba, 4, 4), [0.4375, 0.375]);
  const tall = squareAround([0.625, 0.25], {width: 100, height: 400}).image_from_output;
  assert.deepEqual(tall, [1, 0, 0, 0, 0.25, 0.125, 0, 0, 1]);
  const wide = squareAround([0.9, 0.3], {width: 400, height: 100, mirror: true}).image_from_output;
  assert.deepEqual(wide, [-0.25, 0, 1, 0, 1, 0, 0, 0, 1]);
});

/** bundle.json changed by `edit`, and other files replaced. */
async function opened(edit, files = {}) {
  const index = JSON.parse(await readFile(`${FOLDER}/bundle.json`, 'utf-8'));
  edit(index);
  const replaced = {'bundle.json': Buffer.from(JSON.stringify(index)), ...files};
  return openBundle(async (path) => new Uint8Array(replaced[path] ?? await fromDisk(path)));
}

const REFUSED = {
  'another schema': [(v) => { v.schema = 'edgekit/other'; }, /not of the schema/],
  'an unknown version': [(v) => { v.schema_version = 2; }, /schema version 2; this page reads 1/],
  'a path that climbs out': [(v) => { v.files[0].path = 'golden/../../x'; }, /unsafe path/],
  'a path listed twice': [(v) => { v.files[1].path = v.files[0].path; }, /twice/],
  'a file too large': [(v) => { v.files[0].size_bytes = 2 ** 27; }, /files\/0\/size_bytes is not a whole number/],
  'a size that is none': [(v) => { v.files[0].size_bytes = '12'; }, /files\/0\/size_bytes is not a whole number/],
  'files too large together': [(v) => { for (const f of v.files.slice(0, 5)) f.size_bytes = 2 ** 26; }, /larger than 256 MiB/],
  'a default style that is not there': [(v) => { v.default_style = 'sepia'; }, /no style "sepia".*it holds/],
  'a golden style that is not there': [(v) => { v.golden.style = 'sepia'; }, /no style "sepia"/],
  'no list of files': [(v) => { delete v.files; }, /has no "files"/],
};
for (const [what, [edit, sentence]] of Object.entries(REFUSED)) {
  test(`refuses ${what}`, () => assert.rejects(opened(edit), (e) => e instanceof BundleError && sentence.test(e.message)));
}

test('reads JSON as JSON.parse does, but for what readers disagree on', () => {
  const texts = [
    ' {"a": [1, -2.5e2, true, null], "b": {"\\u00e9\\n\\"": "x\\\\\\/\\ud83d\\ude00"}} ', '[]', '"\u2028"', '-0.5', '{"__proto__": 1}',
  ];
  for (const text of texts) assert.deepEqual(parsedJson(text, 't'), JSON.parse(text));
  const bad = [
    '', '{', '[1,]', '{"a": 1,}', '{a: 1}', '01', '1.', '.5', '+1', '1e999', 'NaN', 'tru', '"a', '"\\x"', '"\\u12"',
    '"\n"', '[1] 2', '{"a": 1, "a": 2}', '{"\\u0061": 1, "a": 2}', '['.repeat(40) + ']'.repeat(40), "'a'", '[1 2]',
  ];
  for (const text of bad) assert.throws(() => parsedJson(text, 't'), BundleError, text);
});

test('no sentence holds what steers a terminal', () => {
  assert.equal(new BundleError('a\x1b[31m\u202e b').message, 'a[31m b');
  assert.equal(new BundleError('x'.repeat(5000)).message.length, 2000);
});

test('refuses an index that is not JSON, or too long to be one', async () => {
  await assert.rejects(openBundle(async () => Buffer.from('{"schema"')), /bundle.json is not JSON/);
  await assert.rejects(openBundle(async () => Buffer.alloc(2 ** 20 + 1, ' ')), /larger than 1 MiB/);
});

test('refuses a file that is shorter, longer, changed or not listed', async () => {
  const path = bundle.index.golden.mask.path;
  const bytes = await fromDisk(path);
  const changed = bytes.slice();
  changed[40] ^= 1;
  const read = async (replacement) => (await opened(() => {}, {[path]: replacement})).bytes(path);
  await assert.rejects(read(bytes.slice(1)), /has not the \d+ bytes/);
  await assert.rejects(read(Buffer.concat([bytes, Buffer.from('!')])), /has not the \d+ bytes/);
  await assert.rejects(read(changed), /is damaged: its sha256 differs/);
  await assert.rejects(bundle.bytes('golden/other.png'), /is not listed/);
});

test('reads no further than one byte beyond the size that is listed', async () => {
  const asked = new Map();
  const watched = await openBundle(async (path, most) => { asked.set(path, most); return fromDisk(path); });
  const {path, size_bytes: size} = watched.index.files[0];
  await watched.bytes(path);
  assert.equal(asked.get(path), size);
});

test('refuses unsafe paths', () => {
  for (const path of ['', '/etc/x', 'a//b', './a', 'a/..', 'a\\b', 'C:/a', 'a/', 'bundle.json', 'a\0b', 7]) {
    assert.throws(() => safePath(path), BundleError, String(path));
  }
  assert.equal(safePath('styles/warm/lut_0.rgba8'), 'styles/warm/lut_0.rgba8');
});

test('refuses a network that takes or gives something else', async () => {
  assert.equal((await bundle.segmenter('tflite')).target, 'tflite');
  await assert.rejects(bundle.segmenter('onnx'), /holds no onnx artifact/);
  await assert.rejects(bundle.segmenter('coreml'), /does not take RGB bytes/); // its tensors are NCHW
});

test('the artifact for GPUs is the listed one, and a bundle without one says so', async () => {
  const own = await bundle.segmenter('tflite'), forGpu = await bundle.segmenter('tflite', 'gpu');
  assert.equal(bundle.isAccelerated('tflite'), true);
  assert.equal(forGpu.path, own.path); // a float artifact serves both
  assert.equal(forGpu.sha256, await sha256(await bundle.bytes(forGpu.path)));
  const without = await opened((v) => { for (const each of v.segmenters) delete each.accelerated; });
  assert.equal(without.isAccelerated('tflite'), false);
  await assert.rejects(without.segmenter('tflite', 'gpu'), /holds no tflite artifact for a GPU; make it again/);
  assert.equal((await without.segmenter('tflite')).path, own.path);
  const other = await opened((v) => {
    const [listed] = v.segmenters.find((each) => each.target === 'tflite').accelerated;
    listed.manifest = v.segmenters.find((each) => each.target === 'coreml').manifest;
  });
  await assert.rejects(other.segmenter('tflite', 'gpu'), /does not take RGB bytes/);
});
