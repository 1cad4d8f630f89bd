// The pad's values and places, on the vectors that Kotlin and Swift meet too. Run by tests/preview/test_pad_logic.py.

import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {test} from 'node:test';

const {Pad} = await import(`${process.env.EDGEKIT_PAGE}/pad.mjs`);
const {controls, places, values} = JSON.parse(await readFile(process.env.EDGEKIT_VECTORS, 'utf-8'));
const pad = Pad.of(controls);

test('a place has the values of the vectors', () => {
  assert.ok(places.length >= 12);
  for (const {x, y, ...expected} of places) assert.deepEqual(pad.valuesAt([x, y]), expected, `${x}, ${y}`);
});

test('values have the place of the vectors', () => {
  assert.ok(values.length >= 5);
  for (const {x, y, ...given} of values) assert.deepEqual(pad.placeOf(given), [x, y], JSON.stringify(given));
});

test('a bundle without one of the two controls has no pad', () => {
  for (const missing of ['color', 'tone']) assert.equal(Pad.of(controls.filter(({name}) => name !== missing)), null);
});
