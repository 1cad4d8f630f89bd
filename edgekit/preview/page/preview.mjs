// The page: photos or the camera, shown in a style of a bundle, and saved.

import {Brush} from './brush.mjs';
import {openBundle, readerAt} from './bundle.mjs';
import {openCamera} from './camera.mjs';
import {chosenSegmenter} from './choice.mjs';
import {showControls, showStyles, showTiming} from './panel.mjs';
import {MOST_PHOTOS, Masks, Photo, Photos} from './photos.mjs';
import {download, pictureOf} from './pictures.mjs';
import {Saver} from './saver.mjs';
import {Stage} from './stage.mjs';
import {Strip} from './strip.mjs';
import {DRAWN_REGIONS} from './strokes.mjs';

const TIMED_EVERY = 15; // camera frames: timing a draw waits for the GPU
const element = (id) => document.getElementById(id);

class Preview {
  photos = new Photos();
  timing = {};
  #masks = new Masks((picture) => this.segmenter.segment(picture));
  #regions = new Map(); // that a style reads, by its name
  #golden = null; // the photo that is shown while the user has given none
  #camera = null;
  #asked = 0; // counts what was asked for: a photo that is read too late is not shown

  async start() {
    this.stage = new Stage((drawMs) => this.#report({drawMs}));
    this.bundle = await openBundle(readerAt('/bundle/'));
    const {index} = this.bundle;
    element('bundle').textContent = `${index.name} · ${index.styles.length} styles · edgekit ${index.edgekit_version}`;
    const shaders = new Map();
    for (const {name} of index.styles) {
      shaders.set(name, await this.bundle.shader(name));
      this.stage.addStyle(name, shaders.get(name));
      this.#regions.set(name, new Set(shaders.get(name).description.layers.flatMap((layer) => layer.regions)));
    }
    this.stage.styleName = index.default_style;
    this.stage.thumbnails = showStyles(element('styles'), index.styles, index.default_style, Stage.thumbnail, (styleName) => {
      this.stage.set({styleName});
      this.#offerRegions();
    });
    this.resetControls = showControls(element('sliders'), index.controls, (controls) => this.stage.set({controls}));
    this.strip = new Strip(element('strip'), [element('photos'), element('save-all')], (photo) => attempt(() => this.show(photo)));
    this.brush = new Brush(element('brush-area'), {
      begin: () => this.#painting(),
      onPainted: (mask) => this.stage.setMask(mask),
      onStroke: (photo, mask) => {
        photo.paint(mask);
        this.#showUndo();
      },
    });
    this.#offerRegions();
    this.saver = new Saver(shaders, this.#masks, this.stage.limits);
    const golden = new Blob([await this.bundle.bytes(index.golden.image.path)], {type: 'image/png'});
    this.#golden = new Photo('golden.png', golden);
    this.stage.show(await this.#sceneOf(this.#golden));
    say('Loading the network …');
    const chosen = await chosenSegmenter(this.bundle, '/litert', () => say('Comparing CPU and GPU …'));
    this.segmenter = chosen.network;
    element('choice').textContent = chosen.sentences.join(' ');
    await this.#findMask();
  }

  /**
   * Photos that the user gave: all join the strip, the first is shown. Rejects for files that are no pictures, after
   * all others were opened.
   */
  async open(files) {
    const asked = ++this.#asked, problems = [];
    let shown;
    for (const file of files.slice(0, MOST_PHOTOS)) {
      const photo = new Photo(file.name, file);
      try {
        const scene = await this.#sceneOf(photo);
        for (const old of this.photos.add(photo)) this.strip.remove(old);
        this.strip.add(photo, scene.picture);
        if (asked === this.#asked) shown = this.show(photo, scene); // which asks for something else: for the first only
        else scene.picture.close();
        shown?.catch(() => {}); // it is awaited below
      } catch (error) {
        problems.push(error.message);
      }
    }
    await shown;
    if (problems.length > 1) problems.splice(1, Infinity, `${problems.length - 1} more could not be opened either.`);
    if (files.length > MOST_PHOTOS) problems.push(`The page takes ${MOST_PHOTOS} photos at once: the first ${MOST_PHOTOS} of the ${files.length}.`);
    if (problems.length) throw new Error(problems.join(' '));
  }

  /** Show a photo, unless something else is asked for while it is read. */
  async show(photo, scene = null) {
    const asked = ++this.#asked;
    const read = scene ?? await this.#sceneOf(photo);
    if (asked !== this.#asked) {
      read.picture.close();
      return;
    }
    this.#endCamera();
    this.photos.shown = photo === this.#golden ? null : photo;
    this.strip.mark(photo);
    element('remove').disabled = element('brush').disabled = false;
    this.stage.show(read, photo.mask);
    this.#showUndo();
    await this.#findMask();
  }

  /** Take the shown photo from the page. */
  async removePhoto() {
    const {shown} = this.photos;
    if (!shown) return;
    const next = this.photos.remove(shown);
    this.strip.remove(shown);
    if (element('photos').hidden) element('file').focus(); // the button that was pressed is hidden too
    await this.show(next ?? this.#golden);
  }

  async startCamera() {
    const asked = ++this.#asked;
    element('camera').disabled = true; // while the browser asks whether it may be used
    let camera;
    try {
      camera = await openCamera();
    } finally {
      element('camera').disabled = false;
    }
    if (asked !== this.#asked) {
      camera.stop();
      return;
    }
    this.#camera = camera;
    pressed('camera', true);
    this.strip.mark(null);
    element('remove').disabled = element('brush').disabled = true; // no photo is shown
    this.paint(false);
    const {video, mirrored} = camera;
    this.stage.show({picture: video, width: video.videoWidth, height: video.videoHeight, mirror: mirrored, photo: null});
    let count = 0;
    const frame = () => {
      if (camera !== this.#camera) return;
      this.stage.nextFrame(count++ % TIMED_EVERY === 0);
      video.requestVideoFrameCallback(frame);
    };
    frame();
    say('Finding skin, hair and clothes …');
    while (camera === this.#camera) {
      const mask = await this.segmenter.segment(video);
      if (camera === this.#camera) this.#found(mask);
    }
  }

  /** Back to the last photo. */
  async stopCamera() {
    this.#endCamera();
    await this.show(this.photos.shown ?? this.#golden);
  }

  /** isOn: whether the picture takes strokes of the brush. */
  paint(isOn) {
    this.brush.turn(isOn);
    pressed('brush', isOn);
    element('brush-tools').hidden = !isOn;
    this.showMask(isOn || this.stage.showsMask);
  }

  showMask(isShown) {
    this.stage.showMask(isShown);
    pressed('mask', isShown);
  }

  /** The brush paints the drawn regions that the style reads, beside the mask's own. */
  #offerRegions() {
    const read = DRAWN_REGIONS.filter((region) => this.#regions.get(this.stage.styleName).has(region));
    for (const each of document.querySelectorAll('[data-drawn]')) {
      const {drawn} = each.dataset;
      each.hidden = drawn ? !read.includes(drawn) : read.length === 0;
    }
    if (element('brush-regions').querySelector('label[hidden] :checked')) element('brush-regions').querySelector('input').click();
  }

  /** Take the last stroke on the shown photo back. */
  undo() {
    const {photo} = this.stage.scene;
    photo.undo();
    this.stage.setMask(photo.mask);
    this.#showUndo();
  }

  get hasCamera() {
    return this.#camera !== null;
  }

  /** make(saver, look, note): resolves to {blob, name, note} of `Saver`. */
  async save(make) {
    const note = (text) => { element('saved').textContent = text; };
    const {styleName, controls} = this.stage;
    note('Saving …');
    element('save').disabled = true;
    try {
      const file = await make(this.saver, {styleName, controls}, note);
      download(file.blob, file.name);
      note(file.note);
    } catch (error) {
      note('');
      throw error;
    } finally {
      element('save').disabled = false;
    }
  }

  /** The photo that is shown; the camera's picture of this moment is one too. */
  async shownPhoto() {
    const {photo, picture} = this.stage.scene;
    return photo ?? new Photo('camera.jpg', await createImageBitmap(picture), 'image/jpeg');
  }

  /** What a stroke would be on: the shown picture, once its mask is there. */
  #painting() {
    return this.stage.mask && this.stage.scene.photo ? this.stage.scene : null;
  }

  #showUndo() {
    element('undo').disabled = !this.stage.scene.photo?.isPainted;
  }

  async #sceneOf(photo) {
    const {picture} = await pictureOf(photo, this.stage.limits);
    return {picture, width: picture.width, height: picture.height, mirror: false, photo};
  }

  async #findMask() {
    const {scene, mask} = this.stage;
    if (mask) {
      this.#found(mask);
      return;
    }
    say('Finding skin, hair and clothes …');
    const isShown = () => scene === this.stage.scene;
    const found = await this.#masks.of(scene.photo, scene.picture, isShown);
    if (isShown()) this.#found(found); // a late one is its own photo's, and kept with it
  }

  #found(mask) {
    if (mask !== this.stage.mask) this.stage.setMask(mask);
    this.#report({segmentMs: mask.ms});
    say('');
  }

  #endCamera() {
    this.#camera?.stop();
    this.#camera = null;
    pressed('camera', false);
  }

  #report(timing) {
    Object.assign(this.timing, timing);
    showTiming(element('timing'), this.timing, this.segmenter, this.stage.renderer);
  }
}

export const preview = new Preview();

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
  const onClick = (id, work) => element(id).addEventListener('click', () => attempt(work));
  element('file').addEventListener('change', ({target}) => {
    const files = [...target.files];
    target.value = ''; // so that the same photo can be opened again
    if (files.length) attempt(() => preview.open(files));
  });
  onClick('camera', () => (preview.hasCamera ? preview.stopCamera() : preview.startCamera()));
  onClick('mask', () => preview.showMask(!preview.stage.showsMask));
  onClick('brush', () => preview.paint(!preview.brush.isOn));
  onClick('undo', () => preview.undo());
  element('brush-regions').addEventListener('change', ({target}) => { preview.brush.region = target.value; });
  element('brush-size').addEventListener('input', ({target}) => { preview.brush.radius = Number(target.value); });
  onClick('save-mask', () => preview.save(async (saver) => saver.mask(await preview.shownPhoto())));
  onClick('save-drawn', () => preview.save(async (saver) => saver.drawn(await preview.shownPhoto())));
  onClick('remove', () => preview.removePhoto());
  onClick('save-picture', () => preview.save(async (saver, look) => saver.picture(await preview.shownPhoto(), look)));
  onClick('save-comparison', () => preview.save(async (saver, look) => saver.comparison(await preview.shownPhoto(), look)));
  onClick('save-all', () => preview.save((saver, look, note) => {
    const photos = [...preview.photos.all];
    return saver.all(photos, look, (n) => note(`Saving ${n} of ${photos.length} …`));
  }));
  onClick('reset', () => preview.resetControls?.());
  element('picture').addEventListener('webglcontextlost', () => {
    showProblem(new Error('The graphics driver was reset; reload the page.'));
  });
  element('divider').addEventListener('input', ({target}) => moveDivider(Number(target.value)));
  addEventListener('dragover', (event) => {
    event.preventDefault();
    element('drop').hidden = false;
  });
  addEventListener('dragleave', ({relatedTarget}) => { element('drop').hidden ||= relatedTarget === null; });
  addEventListener('drop', (event) => {
    event.preventDefault();
    element('drop').hidden = true;
    const files = [...event.dataTransfer.files];
    if (files.length && !element('file').disabled) attempt(() => preview.open(files));
  });
}

function moveDivider(divider) {
  const {style, classList} = element('frame');
  style.setProperty('--divider', divider);
  classList.toggle('all-after', divider < 0.08);
  classList.toggle('all-before', divider > 0.92);
  preview.stage.set({divider});
}

async function main() {
  try {
    listen();
    await preview.start();
    for (const id of ['file', 'camera', 'mask', 'brush', 'save']) element(id).disabled = false;
  } catch (error) {
    showProblem(error);
    document.body.classList.add('broken'); // half a preview would be taken for the whole
  }
  document.body.ariaBusy = 'false';
}

main();
