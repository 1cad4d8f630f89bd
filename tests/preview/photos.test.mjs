// The page's photos, masks, names and colour differences, without a browser. Run by tests/preview/test_photo_logic.py.

import assert from 'node:assert/strict';
import {test} from 'node:test';

const PAGE = process.env.EDGEKIT_PAGE;
const {MOST_PHOTOS, Masks, Photo, Photos} = await import(`${PAGE}/photos.mjs`);
const {Stroke} = await import(`${PAGE}/strokes.mjs`);
const {distinctNames, formatFor, savedName} = await import(`${PAGE}/names.mjs`);
const {sizeWithin} = await import(`${PAGE}/pictures.mjs`);
const {deltaE00, deltaE00P95, labOf} = await import(`${PAGE}/delta-e.mjs`);
const {openSegmenter} = await import(`${PAGE}/segmenter.mjs`);

const photo = (name) => new Photo(name, {type: 'image/jpeg'});

/** A segmenter whose answers are given by hand, in any order. */
function slowSegmenter() {
  const asked = [];
  return {asked, segment: (picture) => new Promise((resolve, reject) => asked.push({picture, resolve, reject}))};
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('masks are found one at a time, and once for a photo', async () => {
  const {asked, segment} = slowSegmenter();
  const masks = new Masks(segment), a = photo('a'), b = photo('b');
  const first = masks.of(a, 'picture a'), again = masks.of(a, 'picture a'), second = masks.of(b, 'picture b');
  await settled();
  assert.deepEqual(asked.map(({picture}) => picture), ['picture a']);
  asked[0].resolve('mask a');
  assert.deepEqual([await first, await again], ['mask a', 'mask a']);
  await settled();
  assert.deepEqual(asked.map(({picture}) => picture), ['picture a', 'picture b']);
  asked[1].resolve('mask b');
  assert.equal(await second, 'mask b');
  assert.deepEqual([a.mask, b.mask], ['mask a', 'mask b']);
});

test('no network runs for a photo that was left before its turn, and its mask is found when it is asked for again', async () => {
  const {asked, segment} = slowSegmenter();
  const masks = new Masks(segment), [a, b, c] = ['a', 'b', 'c'].map(photo);
  let shown = a;
  const found = [a, b, c].map((each) => {
    shown = each;
    return masks.of(each, each.name, () => shown === each || each === a);
  });
  await settled();
  asked[0].resolve('mask a');
  await settled();
  asked[1].resolve('mask c');
  assert.deepEqual(await Promise.all(found), ['mask a', null, 'mask c']);
  assert.deepEqual(asked.map(({picture}) => picture), ['a', 'c']);
  const later = masks.of(b, 'b');
  await settled();
  asked[2].resolve('mask b');
  assert.equal(await later, 'mask b');
});

test('a mask that fails is an error for who asked, and the next one is found', async () => {
  const {asked, segment} = slowSegmenter();
  const masks = new Masks(segment), a = photo('a'), b = photo('b');
  const failed = masks.of(a, 'a'), next = masks.of(b, 'b');
  await settled();
  asked[0].reject(new Error('no memory'));
  await assert.rejects(failed, /no memory/);
  await settled();
  asked[1].resolve('mask b');
  assert.equal(await next, 'mask b');
  assert.equal(a.mask, null);
});

test('the oldest photos leave, and a removed one gives way to its neighbour', () => {
  const photos = new Photos(), [first, ...others] = Array.from({length: MOST_PHOTOS + 1}, (_, i) => photo(`${i}`));
  assert.deepEqual([first, ...others].flatMap((each) => photos.add(each)), [first]);
  assert.deepEqual(photos.all, others);
  const few = new Photos(), [a, b, c] = ['a', 'b', 'c'].map(photo);
  for (const each of [a, b, c]) few.add(each);
  few.shown = b;
  assert.equal(few.remove(b), c);
  assert.equal(few.shown, null);
  assert.equal(few.remove(c), a);
  assert.equal(few.remove(a), null);
});

test('saved pictures are named after the photo and the style', () => {
  assert.equal(savedName('holiday.v2.HEIC', 'jpg', 'vibrant'), 'holiday.v2-vibrant.jpg');
  assert.equal(savedName('a/b\\c:d\u202e.png', 'png', 'warm', 'compare'), 'a-b-c-d--warm-compare.png');
  assert.equal(savedName('.jpg', 'jpg', 'warm'), 'photo-warm.jpg');
  assert.equal(savedName('x'.repeat(5000), 'zip', 'warm').length, 109);
  assert.deepEqual(distinctNames(['a.jpg', 'A.jpg', 'b.png', 'a.jpg']), ['a.jpg', 'A-2.jpg', 'b.png', 'a-3.jpg']);
});

test('a photo without loss is saved without loss', () => {
  for (const type of ['image/png', 'image/bmp']) assert.equal(formatFor(type).type, 'image/png');
  for (const type of ['image/jpeg', 'image/webp', 'image/heic', '']) assert.equal(formatFor(type).type, 'image/jpeg');
});

test('pictures are shrunk to the largest size that fits both limits', () => {
  const limits = {side: 100, pixels: 5000};
  assert.deepEqual(sizeWithin({width: 60, height: 80}, limits), {width: 60, height: 80});
  assert.deepEqual(sizeWithin({width: 400, height: 100}, limits), {width: 100, height: 25});
  assert.deepEqual(sizeWithin({width: 100, height: 100}, limits), {width: 70, height: 70});
  assert.deepEqual(sizeWithin({width: 9000, height: 3}, limits), {width: 100, height: 1});
  assert.deepEqual(sizeWithin({width: 90, height: 80}, {side: 100}), {width: 90, height: 80});
});

// Pairs 1, 5, 7, 9, 13, 17, 20, 25 and 34 of Sharma, Wu and Dalal's table 1.
const PAIRS = [
  [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425], [[50, -1.1848, -84.8006], [50, 0, -82.7485], 1],
  [[50, 0, 0], [50, -1, 2], 2.3669], [[50, 2.49, -0.001], [50, -2.49, 0.0009], 7.1792],
  [[50, -0.001, 2.49], [50, 0.0009, -2.49], 4.8045], [[50, 2.5, 0], [73, 25, -18], 27.1492],
  [[50, 2.5, 0], [58, 24, 15], 19.4535], [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
  [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
];

test('colour differences are those of the paper, and of scikit-image', () => {
  for (const [one, two, expected] of PAIRS) {
    assert.ok(Math.abs(deltaE00(one, two) - expected) < 1e-4, String([one, two]));
    assert.ok(Math.abs(deltaE00(two, one) - expected) < 1e-4, String([two, one]));
  }
  // skimage.color.deltaE_ciede2000(rgb2lab(…), rgb2lab(…)) of these bytes.
  assert.ok(Math.abs(deltaE00(labOf(201, 143, 120), labOf(190, 150, 99)) - 12.04) < 2e-3);
});

test('the 95th percentile lies between two pixels as in numpy', () => {
  const one = Uint8Array.of(9, 9, 9, 255, 40, 90, 200, 255, 0, 0, 0, 255), two = one.slice();
  two[4] = 90;
  const most = deltaE00(labOf(40, 90, 200), labOf(90, 90, 200));
  assert.ok(Math.abs(deltaE00P95(one, two) - 0.9 * most) < 1e-9); // 0.95 × (3 − 1) = 1.9 of [0, 0, most]
  assert.equal(deltaE00P95(one, one), 0);
  assert.throws(() => deltaE00P95(one, two.slice(4)), /12 and 8 bytes/);
});

test('an accelerator that is none is a sentence', async () => {
  await assert.rejects(openSegmenter({}, '/litert', {accelerator: 'npu'}), /no accelerator "npu"; known are wasm and webgpu/);
});

/** A mask that is all skin, of one texel a pixel of a picture of that size. */
const allSkin = (width, height) => ({mask: new Uint8Array(4 * width * height).map((_, i) => (i % 4 === 0 ? 255 : 0)), width, height, ms: 7});
const texel = ({mask, width}, column, row) => [...mask.slice(4 * (row * width + column), 4 * (row * width + column) + 3)];

test('a stroke makes what it covers one region, softly at its edge, and leaves the mask before it as it was', () => {
  const before = allSkin(40, 40), stroke = new Stroke(before, 'clothes', {width: 40, height: 40}, 0.25);
  const after = stroke.to(0.5125, 0.5125); // the middle of texel 20, radius 10 texels
  assert.deepEqual([texel(after, 20, 20), texel(after, 25, 20), texel(after, 30, 20)], [[0, 0, 255], [0, 0, 255], [255, 0, 0]]);
  // 7.5 radii of 10: half way between the hard core and the edge, where the smooth step is one half
  const half = new Stroke(before, 'hair', {width: 40, height: 40}, 0.25).to(0.5, 0.5125);
  assert.deepEqual(texel(half, 27, 20), [128, 128, 0]);
  assert.deepEqual([texel(before, 20, 20), after.ms], [[255, 0, 0], 7]);
  const background = new Stroke(before, 'background', {width: 40, height: 40}, 0.25).to(0.5125, 0.5125);
  assert.deepEqual(texel(background, 20, 20), [0, 0, 0]);
});

test('what is drawn lies beside the mask, which keeps its bytes, until nothing is drawn there', () => {
  const before = allSkin(40, 40), picture = {width: 40, height: 40};
  const drawnTexel = ({drawn}) => [...drawn.slice(4 * (20 * 40 + 20), 4 * (20 * 40 + 20) + 3)];
  const once = new Stroke(before, 'drawn_2', picture, 0.25).to(0.5125, 0.5125);
  assert.equal(once.mask, before.mask);
  assert.deepEqual(drawnTexel(once), [0, 255, 0]);
  const twice = new Stroke(once, 'hair', picture, 0.25).to(0.5125, 0.5125);
  assert.deepEqual([drawnTexel(twice), texel(twice, 20, 20)], [[0, 255, 0], [0, 255, 0]]);
  const none = new Stroke(twice, 'nothing drawn', picture, 0.25).to(0.5125, 0.5125);
  assert.deepEqual([drawnTexel(none), texel(none, 20, 20)], [[0, 0, 0], [0, 255, 0]]);
});

test('a stroke is as wide everywhere, however often it comes back', () => {
  const stroke = new Stroke(allSkin(40, 40), 'hair', {width: 40, height: 40}, 0.1);
  const once = stroke.to(0.1, 0.5);
  stroke.to(0.9, 0.5);
  const there = stroke.to(0.9, 0.5), back = stroke.to(0.1, 0.5);
  assert.deepEqual(back.mask, there.mask);
  for (let column = 4; column < 36; column += 1) assert.deepEqual(texel(back, column, 19), texel(back, 20, 19));
  assert.notDeepEqual(once.mask, back.mask);
});

test('the brush is round in the picture, whatever the shape of the mask', () => {
  const painted = new Stroke(allSkin(40, 40), 'hair', {width: 80, height: 40}, 0.25).to(0.5, 0.5); // radius 10 pixels
  const covered = (along) => Array.from({length: 40}, (_, i) => along(i)[1]).filter((weight) => weight > 0).length;
  assert.deepEqual([covered((i) => texel(painted, i, 20)), covered((i) => texel(painted, 20, i))], [10, 20]);
});

test('strokes are taken back one by one, to the mask that was found', () => {
  const painted = photo('a');
  painted.mask = 0;
  for (let i = 1; i <= 40; i += 1) painted.paint(i);
  assert.deepEqual([painted.mask, painted.isPainted], [40, true]);
  for (let i = 0; i < 30; i += 1) painted.undo();
  assert.deepEqual([painted.mask, painted.isPainted], [10, false]); // older ones were let go
  painted.undo();
  assert.equal(painted.mask, 10);
});
