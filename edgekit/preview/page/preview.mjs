// The page: a bundle, a picture (photo or camera), a style and its controls, drawn with a divider.

import {openBundle, readerAt} from './bundle.mjs';
import {openCamera} from './camera.mjs';
import {drawRegions, faceCentre} from './regions.mjs';
import {Renderer} from './renderer.mjs';
import {openSegmenter} from './segmenter.mjs';
import {aspectFill, squareAround} from './transforms.mjs';
import {showSliders, showStyles, showTiming} from './panel.mjs';

const LARGEST_SIDE = 2560; // shown at most so large; `edgekit style` keeps every pixel
const THUMBNAIL = 144;
const TIMED_EVERY = 15; // camera frames: timing a draw waits for the GPU
const element = (id) => document.getElementById(id);

class Preview {
  controls = {};
  divider = 0.5;
  timing = {};
  #source = null; // {picture, width, height, mirror}; a photo's or the camera's
  #mask = null; // its bytes, width and height
  #camera = null;
  #turn = 0; // counts the sources: an answer for an earlier one is dropped

  async start() {
    this.renderer = new Renderer(element('picture'));
    this.bundle = await openBundle(readerAt('/bundle/'));
    const {index} = this.bundle;
    element('bundle').textContent = `${index.name} · ${index.styles.length} styles · edgekit ${index.edgekit_version}`;
    this.styles = new Map();
    for (const {name} of index.styles) this.styles.set(name, this.renderer.style(await this.bundle.shader(name)));
    this.styleName = index.default_style;
    this.thumbnails = showStyles(element('styles'), index.styles, index.default_style, THUMBNAIL, (name) => this.set({styleName: name}));
    this.resetSliders = showSliders(element('sliders'), index.controls, (controls) => this.set({controls}));
    const golden = new Blob([await this.bundle.bytes(index.golden.image.path)], {type: 'image/png'});
    this.#show(await createImageBitmap(golden));
    say('Loading the network …');
    this.segmenter = await openSegmenter(this.bundle, '/litert');
    await this.#segment();
  }

  set(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  draw({timed = true} = {}) {
    if (!this.#source) return;
    const {width, height} = this.renderer.canvas;
    const matrices = aspectFill({...this.#source, viewWidth: width, viewHeight: height});
    const asked = [this.styles.get(this.styleName), this.controls, {matrices, divider: this.divider}];
    if (timed) this.#report({drawMs: this.renderer.drawTimed(...asked)});
    else this.renderer.draw(...asked);
  }

  /** A photo the user gave. */
  async open(file) {
    let photo;
    try {
      photo = await createImageBitmap(file);
    } catch {
      throw new Error(`${file.name} is not a picture that this browser can open; try a JPEG or PNG.`);
    }
    this.stopCamera();
    this.#show(await fitted(photo, Math.min(LARGEST_SIDE, this.renderer.largestSide)));
    await this.#segment();
  }

  async startCamera() {
    element('camera').disabled = true; // while the browser asks whether it may be used
    try {
      this.#camera = await openCamera();
    } finally {
      element('camera').disabled = false;
    }
    pressed('camera', true);
    const {video, mirrored} = this.#camera;
    this.#show(video, video.videoWidth, video.videoHeight, mirrored);
    const turn = this.#turn;
    let count = 0;
    const frame = () => {
      if (turn !== this.#turn) return;
      this.renderer.setPicture(video);
      this.draw({timed: count++ % TIMED_EVERY === 0});
      video.requestVideoFrameCallback(frame);
    };
    frame();
    while (turn === this.#turn) await this.#segment();
  }

  stopCamera() {
    if (!this.#camera) return;
    this.#turn += 1;
    this.#camera.stop();
    this.#camera = null;
    pressed('camera', false);
  }

  get hasCamera() {
    return this.#camera !== null;
  }

  showMask(shown) {
    pressed('mask', shown);
    element('legend').hidden = element('regions').hidden = !shown;
    if (shown && this.#mask) drawRegions(element('regions'), ...this.#mask);
  }

  #show(picture, width = picture.width, height = picture.height, mirror = false) {
    this.#turn += 1;
    this.#source = {picture, width, height, mirror};
    this.#mask = null;
    Object.assign(this.renderer.canvas, {width, height});
    element('frame').style.setProperty('--aspect', width / height);
    element('frame').classList.toggle('mirrored', mirror);
    this.renderer.setPicture(picture);
    this.renderer.setMask(new Uint8Array(4), 1); // until the network has answered, all is background
    this.draw();
  }

  async #segment() {
    const turn = this.#turn, first = this.#mask === null;
    if (first) say('Finding skin, hair and clothes …');
    const {mask, width, height, ms} = await this.segmenter.segment(this.#source.picture);
    if (turn !== this.#turn) return;
    this.#mask = [mask, width, height];
    this.renderer.setMask(...this.#mask);
    this.#report({segmentMs: ms});
    if (first) this.#drawThumbnails();
    this.draw();
    this.showMask(!element('regions').hidden);
    say('');
  }

  /** The picture in every style, through the same pass: the page's canvas lends its size for a moment. */
  #drawThumbnails() {
    const {canvas} = this.renderer, {width, height} = canvas;
    canvas.width = canvas.height = THUMBNAIL;
    const matrices = squareAround(faceCentre(...this.#mask), this.#source);
    for (const [name, style] of this.styles) {
      this.renderer.draw(style, {}, {matrices});
      this.thumbnails.get(name).drawImage(canvas, 0, 0);
    }
    Object.assign(canvas, {width, height});
  }

  #report(timing) {
    Object.assign(this.timing, timing);
    showTiming(element('timing'), this.timing, this.segmenter, this.renderer);
  }
}

export const preview = new Preview();

async function fitted(picture, largest) {
  const scale = largest / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  const size = {resizeWidth: Math.round(picture.width * scale), resizeHeight: Math.round(picture.height * scale)};
  return createImageBitmap(picture, {...size, resizeQuality: 'high'});
}

function say(text) {
  element('busy').textContent = text;
}

function pressed(id, on) {
  element(id).setAttribute('aria-pressed', String(on));
}

function showProblem(error) {
  say('');
  element('problem').textContent = error?.message ?? String(error);
  element('problem').hidden = false;
}

/** Run what the user asked for; what goes wrong becomes a sentence on the page. */
async function attempt(work) {
  element('problem').hidden = true;
  try {
    await work();
  } catch (error) {
    showProblem(error);
  }
}

function listen() {
  element('file').addEventListener('change', ({target}) => {
    if (target.files.length) attempt(() => preview.open(target.files[0]));
  });
  element('camera').addEventListener('click', () => attempt(async () => {
    if (preview.hasCamera) preview.stopCamera();
    else await preview.startCamera();
  }));
  element('picture').addEventListener('webglcontextlost', () => {
    showProblem(new Error('The graphics driver was reset; reload the page.'));
  });
  element('mask').addEventListener('click', () => preview.showMask(element('regions').hidden));
  element('reset').addEventListener('click', () => preview.resetSliders?.());
  element('divider').addEventListener('input', ({target}) => moveDivider(Number(target.value)));
  addEventListener('dragover', (event) => {
    event.preventDefault();
    element('drop').hidden = false;
  });
  addEventListener('dragleave', ({relatedTarget}) => { element('drop').hidden ||= relatedTarget === null; });
  addEventListener('drop', (event) => {
    event.preventDefault();
    element('drop').hidden = true;
    const [file] = event.dataTransfer.files;
    if (file && !element('file').disabled) attempt(() => preview.open(file));
  });
}

function moveDivider(divider) {
  const {style, classList} = element('frame');
  style.setProperty('--divider', divider);
  classList.toggle('all-after', divider < 0.08);
  classList.toggle('all-before', divider > 0.92);
  preview.set({divider});
}

async function main() {
  try {
    listen();
    await preview.start();
    for (const id of ['file', 'camera', 'mask']) element(id).disabled = false;
  } catch (error) {
    showProblem(error);
    document.body.classList.add('broken'); // half a preview would be taken for the whole
  }
  document.body.ariaBusy = 'false';
}

main();
