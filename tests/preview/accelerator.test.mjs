// The page's choice of an accelerator against the shared vectors. Run by tests/preview/test_accelerator.py.

import assert from 'node:assert/strict';
import {readFile} from 'node:fs/promises';
import {test} from 'node:test';

const {AcceleratorChooser} = await import(process.env.EDGEKIT_ACCELERATOR);
const {bound, place, networks, cases} = JSON.parse(await readFile(process.env.EDGEKIT_VECTORS, 'utf-8'));

/** A place where fake networks run, and what happened there. */
class Stage {
  events = [];
  clockMs = 0;

  constructor(stored, isUnwritable) {
    this.text = stored;
    this.isUnwritable = isUnwritable;
  }

  chooser() {
    return new AcceleratorChooser({
      place, bound, nowMs: () => this.clockMs,
      store: {read: async () => this.text, write: async (text) => this.write(text)},
      prove: async (network) => this.prove(network), close: async ({accelerator}) => this.events.push(`close ${accelerator}`),
    });
  }

  write(text) {
    if (this.isUnwritable) throw new Error('the disk is full');
    this.text = text;
    const {marked, chosen} = JSON.parse(text);
    this.events.push(chosen === null ? ['mark', ...marked].join(' ') : `chosen ${chosen}`);
  }

  candidate(name) {
    const {accelerator, artifact_sha256: artifactSha256, opens_ms: opensMs, refuses, runs} = networks[name];
    const open = async () => {
      this.events.push(`open ${accelerator}`);
      this.clockMs += opensMs;
      if (refuses !== null) throw new Error(refuses);
      return {accelerator, runs: [...runs]};
    };
    return {accelerator, artifactSha256, open};
  }

  prove(network) {
    const run = network.runs.length > 1 ? network.runs.shift() : network.runs[0];
    this.clockMs += run.inference_ms;
    if (run.throws !== null) throw new Error(run.throws);
    return {deltaE00P95: run.delta_e00_p95 ?? NaN, inferenceMs: run.inference_ms};
  }
}

for (const {name, last_resort: last, others, stored, spaces, unwritable, expected} of cases) {
  test(name, async () => {
    const stage = new Stage(stored === null ? null : stored + ' '.repeat(spaces), unwritable);
    const choose = () => stage.chooser().choose(stage.candidate(last), others.map((each) => stage.candidate(each)));
    if (expected.error !== null) {
      await assert.rejects(choose(), {message: expected.error});
      assert.deepEqual(stage.events, expected.events);
      return;
    }
    const {network, accelerator, isRemembered, sentences} = await choose();
    assert.deepEqual({accelerator, isRemembered, sentences, events: stage.events}, {
      accelerator: expected.chosen, isRemembered: expected.remembered, sentences: expected.sentences, events: expected.events,
    });
    assert.equal(network.accelerator, expected.chosen);
    if (unwritable) return;
    stage.events = [];
    const again = await choose();
    assert.deepEqual([again.accelerator, again.isRemembered, again.sentences], [expected.chosen, true, expected.sentences]);
    assert.deepEqual(stage.events, [`open ${expected.chosen}`]);
  });
}
