// The style chooser, the controls and the timing lines.

import {Pad, padElement} from './pad.mjs';

const LABELS = {intensity: 'Palette'}; // as Apple's styles call it

/** A radio button with a thumbnail for each style. Returns name → the thumbnail's 2D context. */
export function showStyles(place, styles, chosen, side, onChoose) {
  const thumbnails = new Map();
  for (const {name, title} of styles) {
    const label = made('label');
    const input = made('input', {type: 'radio', name: 'style', value: name, checked: name === chosen});
    const canvas = made('canvas', {width: side, height: side});
    canvas.ariaHidden = 'true';
    input.addEventListener('change', () => onChoose(name));
    label.append(input, canvas, title);
    place.append(label);
    thumbnails.set(name, canvas.getContext('2d'));
  }
  return thumbnails;
}

/**
 * The bundle's controls with their ranges and defaults: a pad for tone and color, and a slider for each of the others.
 * Returns a function that resets them.
 */
export function showControls(place, controls, onChange) {
  const all = controls.map((control) => ({control, ...controlElements(control)}));
  const pad = Pad.of(controls);
  let showKnob = () => {};
  if (pad) {
    const [across, up] = [pad.across, pad.up].map((of) => all.find(({control}) => control === of));
    up.input.ariaOrientation = 'vertical';
    const {field, show} = padElement(pad, {across: across.input, up: up.input});
    const element = made('div', {className: 'pad', role: 'group', ariaLabel: 'Tone and color'});
    element.append(field, up.label, across.label);
    place.append(element);
    showKnob = show;
  }
  const sliders = made('div', {className: 'each'});
  for (const {control, input, label} of all) {
    if (control === pad?.across || control === pad?.up) continue;
    label.append(input);
    sliders.append(label);
  }
  place.append(sliders);
  const changed = () => {
    for (const {input, value, control} of all) value.value = percent(Number(input.value), control.minimum < 0);
    showKnob();
    onChange(Object.fromEntries(all.map(({input}) => [input.name, Number(input.value)])));
  };
  for (const {input} of all) input.addEventListener('input', changed);
  const reset = () => {
    for (const {input, control} of all) input.value = control.default;
    changed();
  };
  reset();
  return reset;
}

/** A control's range input, its label, and the output in that. */
function controlElements({name, minimum, maximum}) {
  const label = made('label', {htmlFor: name}), value = made('output', {htmlFor: name});
  const input = made('input', {id: name, type: 'range', min: minimum, max: maximum, step: 0.01, name});
  label.append(LABELS[name] ?? wordsOf(name), value); // htmlFor: an <output> would take the label for itself
  return {input, label, value};
}

/** What was measured, and on what: the network from its input to the mask; a draw until its pixels were there. */
export function showTiming(place, {segmentMs, drawMs}, segmenter, renderer) {
  const rows = [
    ['Segment', segmentMs && `${segmentMs.toFixed(0)} ms · ${processorOf(segmenter)}`],
    ['Draw', drawMs && `${drawMs.toFixed(1)} ms · ${renderer.canvas.width}×${renderer.canvas.height}`],
    ['Network', segmenter && `${sized(segmenter.inputSize)} → ${sized(segmenter.maskSize)}, loaded in ${(segmenter.loadMs / 1000).toFixed(1)} s`],
    ['GPU', segmenter && renderer.device],
  ];
  place.replaceChildren(...rows.filter(([, text]) => text).flatMap(([term, text]) => [
    made('dt', {textContent: term}), made('dd', {textContent: text}),
  ]));
}

function processorOf({accelerator, threads, device}) {
  return accelerator === 'webgpu' ? `WebGPU, ${device}` : `CPU, ${counted(threads, 'thread')}`;
}

function made(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}

function sized({width, height}) {
  return width === height ? `${width}²` : `${height}×${width}`;
}

function wordsOf(name) {
  return name[0].toUpperCase() + name.slice(1).replaceAll('_', ' ');
}

function percent(value, signed) {
  const rounded = Math.round(100 * value);
  return `${signed && rounded > 0 ? '+' : ''}${rounded}`.replace('-', '−');
}

function counted(n, what) {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
