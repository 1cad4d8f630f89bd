// What is seen: a picture, before and after on either side of a divider; its mask in colours; and in every style, small.

import {drawRegions, faceCentre} from './regions.mjs';
import {Renderer} from './renderer.mjs';
import {aspectFill, squareAround} from './transforms.mjs';

const LARGEST_SHOWN = 2560; // pixels of a side; what is saved keeps every pixel
const THUMBNAIL = 144;
const element = (id) => document.getElementById(id);

export class Stage {
  static thumbnail = THUMBNAIL;
  controls = {};
  divider = 0.5;
  styleName = null;
  thumbnails = new Map(); // 2D contexts by style
  scene = null; // {picture, width, height, mirror, photo}: the camera has no photo
  mask = null; // of the scene: {mask, drawn, width, height}, as `Renderer.setMask` takes it
  showsMask = false;
  #styles = new Map();
  #onDrawn;

  /** onDrawn(ms): how long a draw took. */
  constructor(onDrawn) {
    this.renderer = new Renderer(element('picture'));
    this.limits = {side: Math.min(LARGEST_SHOWN, this.renderer.largestSide)};
    this.#onDrawn = onDrawn;
  }

  addStyle(name, shader) {
    this.#styles.set(name, this.renderer.style(shader));
  }

  set(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  /** isTimed: wait for the GPU, and report how long it took. */
  draw(isTimed = true) {
    if (!this.scene) return;
    const {width, height} = this.renderer.canvas;
    const matrices = aspectFill({...this.scene, viewWidth: width, viewHeight: height});
    const asked = [this.#styles.get(this.styleName), this.controls, {matrices, divider: this.divider}];
    if (isTimed) this.#onDrawn(this.renderer.drawTimed(...asked));
    else this.renderer.draw(...asked);
  }

  /** mask: the picture's own. Without one it is drawn as it is, until `setMask`. */
  show(scene, mask) {
    const {picture, width, height, mirror} = scene;
    this.scene?.picture.close?.(); // a video has none
    this.scene = scene;
    Object.assign(this.renderer.canvas, {width, height});
    element('frame').style.setProperty('--aspect', width / height);
    element('frame').classList.toggle('mirrored', mirror);
    this.renderer.setPicture(picture);
    this.renderer.clearMask();
    this.mask = null;
    document.body.classList.add('unmasked'); // there is no after, and the styles' thumbnails are of the last picture
    if (mask) {
      this.setMask(mask);
    } else {
      this.draw();
      this.#drawRegions();
    }
  }

  /** The next frame of a video. */
  nextFrame(isTimed) {
    this.renderer.setPicture(this.scene.picture);
    this.draw(isTimed);
  }

  setMask(mask) {
    const isFirst = this.mask === null;
    this.mask = mask;
    this.renderer.setMask(mask);
    if (isFirst) this.#drawThumbnails();
    this.draw();
    this.#drawRegions();
  }

  showMask(isShown) {
    this.showsMask = isShown;
    this.#drawRegions();
  }

  #drawRegions() {
    const isShown = this.showsMask && this.mask !== null;
    element('legend').hidden = element('regions').hidden = !isShown;
    if (isShown) drawRegions(element('regions'), this.mask);
  }

  /** The picture in every style, through the same pass: the page's canvas lends its size for a moment. */
  #drawThumbnails() {
    const {canvas} = this.renderer, {width, height} = canvas;
    canvas.width = canvas.height = THUMBNAIL;
    const matrices = squareAround(faceCentre(this.mask.mask, this.mask.width, this.mask.height), this.scene);
    for (const [name, style] of this.#styles) {
      this.renderer.draw(style, {}, {matrices});
      this.thumbnails.get(name).drawImage(canvas, 0, 0);
    }
    Object.assign(canvas, {width, height});
    document.body.classList.remove('unmasked');
  }
}
