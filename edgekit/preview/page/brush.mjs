// The brush over the picture: fingers, pens and mice, from where they go down to where they are lifted.

import {Stroke} from './strokes.mjs';

export class Brush {
  #area;
  #ring;
  #stroke = null;
  #photo = null; // that the stroke is on
  #mask = null; // as the stroke has left it
  #onPainted;
  #onStroke;
  region = 'skin';
  radius = 0.08; // a share of the picture's shorter side

  /**
   * area: covers the picture, with an element for the brush's outline in it. begin(): what is painted on, a photo with
   * its mask and the picture's size; null for nothing. onPainted(mask): while a stroke goes on. onStroke(photo, mask):
   * when it has ended.
   */
  constructor(area, {begin, onPainted, onStroke}) {
    this.#area = area;
    this.#ring = area.firstElementChild;
    this.#onPainted = onPainted;
    this.#onStroke = onStroke;
    area.addEventListener('pointerdown', (event) => {
      const on = event.isPrimary && event.button === 0 ? begin() : null;
      if (!on) return;
      area.setPointerCapture(event.pointerId);
      this.#photo = on.photo;
      this.#stroke = new Stroke(on.photo.mask, this.region, on, this.radius);
      this.#goOn(event);
    });
    area.addEventListener('pointermove', (event) => {
      this.#showRing(event);
      if (this.#stroke && event.isPrimary) this.#goOn(event);
    });
    for (const kind of ['pointerup', 'pointercancel']) area.addEventListener(kind, ({isPrimary}) => isPrimary && this.#end());
    area.addEventListener('pointerleave', () => { this.#ring.hidden = true; });
  }

  get isOn() {
    return !this.#area.hidden;
  }

  turn(isOn) {
    if (!isOn) this.#end();
    this.#area.hidden = !isOn;
  }

  #end() {
    if (!this.#stroke) return;
    this.#stroke = null;
    this.#onStroke(this.#photo, this.#mask);
  }

  #goOn({clientX, clientY}) {
    const {left, top, width, height} = this.#area.getBoundingClientRect();
    this.#mask = this.#stroke.to((clientX - left) / width, (clientY - top) / height);
    this.#onPainted(this.#mask);
  }

  #showRing({clientX, clientY, pointerType}) {
    const {left, top, width, height} = this.#area.getBoundingClientRect();
    const diameter = 2 * this.radius * Math.min(width, height);
    this.#ring.hidden = pointerType === 'touch'; // the finger is there
    Object.assign(this.#ring.style, {
      width: `${diameter}px`, height: `${diameter}px`, left: `${clientX - left}px`, top: `${clientY - top}px`,
    });
  }
}
