// The style chooser, the sliders and the timing lines.

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

/** A slider for each control of the bundle, with its range and default. Returns a function that resets them. */
export function showSliders(place, controls, onChange) {
  const inputs = controls.map((control) => {
    const {name, minimum, maximum} = control;
    const label = made('label', {htmlFor: name}), value = made('output', {htmlFor: name});
    const input = made('input', {id: name, type: 'range', min: minimum, max: maximum, step: 0.01, name, value: control.default});
    label.append(wordsOf(name), value, input); // htmlFor: an <output> would take the label for itself
    place.append(label);
    return {input, value, control};
  });
  const changed = () => {
    for (const {input, value, control} of inputs) value.value = percent(Number(input.value), control.minimum < 0);
    onChange(Object.fromEntries(inputs.map(({input}) => [input.name, Number(input.value)])));
  };
  for (const {input} of inputs) input.addEventListener('input', changed);
  const reset = () => {
    for (const {input, control} of inputs) input.value = control.default;
    changed();
  };
  reset();
  return reset;
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
