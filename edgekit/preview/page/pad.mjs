// The pad: one control across and one upwards, in a square for a finger, a mouse or the arrow keys.

const SNAP = 0.03; // of a control's range: 5 pixels of the page's pad, less than a finger's trembling
const STEP = 0.01, LARGE_STEP = 0.1; // of the arrow keys, and with Shift
const ARROWS = {ArrowLeft: ['across', -1], ArrowRight: ['across', 1], ArrowDown: ['up', -1], ArrowUp: ['up', 1]};

/**
 * What the two controls are at a place of the pad, and where they are on it. across, up: {name, minimum, maximum,
 * default}. Places are [x, y], shares of the pad's width and height from its top left corner. Kotlin and Swift compute
 * the same; tests/shared/pad.json holds all three to it.
 */
export class Pad {
  #across;
  #up;

  constructor(across, up) {
    this.#across = across;
    this.#up = up;
  }

  /** The pad of a bundle's controls, color across and tone upwards; null unless there are both. */
  static of(controls) {
    const [across, up] = ['color', 'tone'].map((name) => controls.find((control) => control.name === name));
    return across && up ? new Pad(across, up) : null;
  }

  get across() {
    return this.#across;
  }

  get up() {
    return this.#up;
  }

  /** By name; beyond the pad's edge they are at their ends, and close to their defaults at these. */
  valuesAt([x, y]) {
    return {[this.#across.name]: valueAt(x, this.#across), [this.#up.name]: valueAt(1 - y, this.#up)};
  }

  placeOf(values) {
    return [shareOf(values[this.#across.name], this.#across), 1 - shareOf(values[this.#up.name], this.#up)];
  }
}

/**
 * The square, around one range input for each direction, which hold the values. The arrow keys move in all four
 * directions from either input, and the focus goes to the one that they change. Returns the element, `field`, and a
 * function that puts the knob where the inputs are, `show`.
 */
export function padElement(pad, inputs) {
  const field = document.createElement('div'), knob = document.createElement('i');
  field.className = 'field';
  field.append(inputs.across, inputs.up, knob);
  const changed = (input) => input.dispatchEvent(new Event('input'));
  const set = (values) => {
    for (const direction of ['across', 'up']) inputs[direction].value = values[pad[direction].name];
    changed(inputs.across);
  };
  const goTo = ({clientX, clientY}) => {
    const {left, top, width, height} = field.getBoundingClientRect();
    set(pad.valuesAt([(clientX - left) / width, (clientY - top) / height]));
  };
  field.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault(); // no text is selected, and the focus stays where the next line puts it
    inputs.across.focus({preventScroll: true});
    field.setPointerCapture(event.pointerId);
    goTo(event);
  });
  field.addEventListener('pointermove', (event) => {
    if (field.hasPointerCapture(event.pointerId)) goTo(event);
  });
  field.addEventListener('dblclick', () => set({[pad.across.name]: pad.across.default, [pad.up.name]: pad.up.default}));
  field.addEventListener('keydown', (event) => {
    const [direction, sign] = ARROWS[event.key] ?? [];
    if (!direction || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const input = inputs[direction];
    input.value = Number(input.value) + sign * (event.shiftKey ? LARGE_STEP : STEP); // which the input holds in its range
    input.focus();
    changed(input);
  });
  const show = () => {
    const [x, y] = pad.placeOf({[pad.across.name]: Number(inputs.across.value), [pad.up.name]: Number(inputs.up.value)});
    Object.assign(knob.style, {left: `${100 * x}%`, top: `${100 * y}%`});
  };
  return {field, show};
}

function valueAt(share, {minimum, maximum, default: neutral}) {
  const value = minimum + Math.min(1, Math.max(0, share)) * (maximum - minimum);
  return Math.abs(value - neutral) <= SNAP * (maximum - minimum) ? neutral : value;
}

function shareOf(value, {minimum, maximum}) {
  return (Math.min(maximum, Math.max(minimum, value)) - minimum) / (maximum - minimum);
}
