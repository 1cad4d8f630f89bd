// Which of several ways of running the network is used: each is held to the golden picture several times in a row, the
// right ones are timed, and the fastest is remembered. The apps' AcceleratorChooser (Kotlin, Swift) decides the same;
// tests/shared/accelerator_choice.json holds all three to it.

import {list, name, object, oneOf, orNull, parsedJson, whole} from './json.mjs';

const SCHEMA = 'edgekit/accelerator-choice';
const VERSION = 1;
const PROOF_RUNS = 5; // a WebGPU backend was right in its first inference only (LiteRT 8065)
const MOST_TRIAL_SECONDS = 20; // drivers compile a network for seconds; nobody waits longer for the first picture
const MOST_CANDIDATES = 4;
const MOST_STORED_CHARS = 65_536;
const MOST_LINE_CHARS = 200;
const STEERING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu;
const STORED = object({
  schema: oneOf(SCHEMA), schema_version: whole(VERSION, VERSION), key: list(name), marked: list(name),
  chosen: orNull(name), sentences: list(name),
});

export class AcceleratorChooser {
  #place;
  #bound;
  #store;
  #nowMs;
  #prove;
  #close;

  /**
   * place: {device, driver, runtime}; in another place everything is tried anew.
   * bound: the largest ΔE2000 (95th percentile) from the golden picture.
   * store: {read() → text or null, write(text)}, which may throw or reject.
   * nowMs(): a clock that never goes back. prove(network) resolves to {deltaE00P95, inferenceMs} of one inference.
   * close(network): lets go of a network that is not used.
   */
  constructor({place, bound, store, nowMs, prove, close}) {
    this.#place = place;
    this.#bound = bound;
    this.#store = store;
    this.#nowMs = nowMs;
    this.#prove = prove;
    this.#close = close;
  }

  /**
   * Resolves to {network, accelerator, isRemembered, sentences}: the open network that is to be used, and one sentence
   * on each candidate. Candidates are {accelerator, artifactSha256, open}; `open()` resolves to a network or rejects.
   *
   * One of `others` is marked in the store while it is tried; where the mark was left, the page ended in its trial, and
   * it is not tried again. So only one choice at a time may use a store (of several tabs: `navigator.locks`).
   * `lastResort` is used where nothing is proved; if it does not open either, its error is thrown.
   */
  async choose(lastResort, others) {
    const all = [lastResort, ...others];
    const {device, driver, runtime} = this.#place;
    const names = [device, driver, runtime, ...all.map((each) => `${each.accelerator} ${each.artifactSha256}`)];
    const key = names.map(oneLine);
    const kept = await this.#kept(key, all);
    const remembered = all.find((each) => each.accelerator === kept.chosen && !kept.marked.includes(kept.chosen));
    if (remembered) {
      try {
        const {accelerator} = remembered;
        return {network: await remembered.open(), accelerator, isRemembered: true, sentences: kept.sentences};
      } catch { /* it opened once: try everything anew */ }
    }
    return this.#chooseAnew(lastResort, others, {key, marked: kept.marked});
  }

  async #chooseAnew(lastResort, others, state) {
    let best = await this.#trial(lastResort);
    const trials = [best];
    for (const candidate of others) {
      const reason = await this.#markOrReason(candidate, trials.length, state);
      if (reason) {
        trials.push({candidate, network: null, medianMs: null, finding: reason});
        continue;
      }
      const tried = await this.#trial(candidate);
      trials.push(tried);
      const isFaster = tried.medianMs !== null && (best.medianMs === null || tried.medianMs < best.medianMs);
      await this.#closed(isFaster ? best : tried);
      if (isFaster) best = tried;
      state.marked = state.marked.filter((each) => each !== candidate.accelerator);
      await this.#write(state);
    }
    if (!best.network) throw best.error;
    const {accelerator} = best.candidate;
    const sentences = trials.map((trial) => sentenceOn(trial, trial === best));
    await this.#write(state, accelerator, sentences);
    return {network: best.network, accelerator, isRemembered: false, sentences};
  }

  /** Mark the candidate, or say why it is not tried. */
  async #markOrReason({accelerator}, position, state) {
    if (position >= MOST_CANDIDATES) return `not tried: at most ${MOST_CANDIDATES} candidates are.`;
    if (state.marked.includes(accelerator)) return 'not tried, because the app ended during its last trial.';
    const marked = [...state.marked, accelerator];
    const error = await this.#write({...state, marked});
    if (error) return `not tried, because its trial cannot be marked: ${reasonOf(error)}`;
    state.marked = marked;
    return null;
  }

  /** Open the candidate and run it on the golden picture. medianMs: null where it was not proved. */
  async #trial(candidate) {
    const startedMs = this.#nowMs();
    const trial = {candidate, network: null, medianMs: null};
    try {
      trial.network = await candidate.open();
    } catch (error) {
      return {...trial, error, finding: `not opened: ${reasonOf(error)}`};
    }
    const times = [];
    let worst = 0;
    for (let run = 1; run <= PROOF_RUNS; run += 1) {
      const place = `run ${run} of ${PROOF_RUNS}`;
      if (this.#nowMs() - startedMs > 1000 * MOST_TRIAL_SECONDS) {
        const finding = `too slow: after ${run - 1} of ${PROOF_RUNS} runs, ${MOST_TRIAL_SECONDS} s had passed.`;
        return {...trial, finding};
      }
      let deltaE00P95, inferenceMs;
      try {
        ({deltaE00P95, inferenceMs} = await this.#prove(trial.network));
      } catch (error) {
        return {...trial, finding: `failed in ${place}: ${reasonOf(error)}`};
      }
      if (!(deltaE00P95 <= this.#bound)) { // so that NaN is wrong
        const shown = Number.isNaN(deltaE00P95) ? 'not a number' : deltaE00P95.toFixed(2);
        const finding = `wrong in ${place}: ΔE2000 p95 is ${shown}, and at most ${this.#bound.toFixed(2)} is allowed.`;
        return {...trial, finding};
      }
      worst = Math.max(worst, deltaE00P95);
      times.push(inferenceMs);
    }
    const medianMs = median(times.slice(1)); // the first one compiles and warms up
    const finding = `${medianMs.toFixed(1)} ms, ΔE2000 p95 at most ${worst.toFixed(2)} in ${PROOF_RUNS} runs.`;
    return {...trial, medianMs, finding};
  }

  /** What the store holds for this key; nothing where it is damaged or was written for another. */
  async #kept(key, all) {
    const nothing = {marked: [], chosen: null, sentences: []};
    try {
      const text = await this.#store.read();
      if (text === null || text.length > MOST_STORED_CHARS) return nothing;
      const stored = parsedJson(text, 'the remembered accelerator', STORED);
      const isOfKey = JSON.stringify(stored.key) === JSON.stringify(key);
      const isWhole = stored.chosen === null || stored.sentences.length === all.length;
      return isOfKey && isWhole ? stored : nothing;
    } catch {
      return nothing; // whatever is wrong with it, a new trial mends it
    }
  }

  /** The error where the store cannot be written; the next start then tries again. */
  async #write({key, marked}, chosen = null, sentences = []) {
    try {
      await this.#store.write(JSON.stringify({schema: SCHEMA, schema_version: VERSION, key, marked, chosen, sentences}));
      return null;
    } catch (error) {
      return error;
    }
  }

  async #closed({network}) {
    try {
      if (network) await this.#close(network);
    } catch { /* it is not used any more */ }
  }
}

function sentenceOn({candidate: {accelerator}, medianMs, finding}, isChosen) {
  if (medianMs === null) return `${accelerator}: ${isChosen ? 'used unproved, as the last resort: ' : ''}${finding}`;
  return `${accelerator}: ${isChosen ? 'chosen, the fastest of those proved' : 'proved, but not faster'}: ${finding}`;
}

/** An error's message as the end of a sentence. */
function reasonOf(error) {
  return `${oneLine(String(error?.message ?? error)).replace(/\.$/, '')}.`;
}

/** A text of bounded length, without what steers the text that shows it. */
function oneLine(text) {
  return text.slice(0, MOST_LINE_CHARS).replaceAll(STEERING, ' ').trim();
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
}
