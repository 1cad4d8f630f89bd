// The photos on the page, and their masks. What is kept of a photo is its file, on the disk, and its mask; the pixels
// are read again whenever they are shown or saved.

export const MOST_PHOTOS = 40; // a mask takes 64 kB for a network of 512 pixels
const MOST_STROKES = 30; // of the brush, that can be undone

export class Photo {
  mask = null; // {mask, width, height, ms} as `segment` gives it, once it was found, and as it was painted since
  #earlier = []; // masks before each stroke, the last one last

  /** source: what createImageBitmap takes. type: its media type, or '' where that is not known. */
  constructor(name, source, type = source.type) {
    this.name = name;
    this.source = source;
    this.type = type;
  }

  get isPainted() {
    return this.#earlier.length > 0;
  }

  /** mask: after a stroke of the brush. */
  paint(mask) {
    this.#earlier = [...this.#earlier, this.mask].slice(-MOST_STROKES);
    this.mask = mask;
  }

  /** Take the last stroke back. */
  undo() {
    this.mask = this.#earlier.pop() ?? this.mask;
  }
}

export class Photos {
  all = []; // from the oldest to the newest
  shown = null;

  /** Returns the photos that leave for this one: the oldest beyond MOST_PHOTOS. */
  add(photo) {
    this.all.push(photo);
    return this.all.splice(0, this.all.length - MOST_PHOTOS);
  }

  /** Returns the photo that takes its place: the next, or else the one before; null where it was the last. */
  remove(photo) {
    const at = this.all.indexOf(photo);
    this.all.splice(at, 1);
    if (this.shown === photo) this.shown = null;
    return this.all[Math.min(at, this.all.length - 1)] ?? null;
  }
}

/** Finds the masks of photos, one at a time. A photo's mask is found once. */
export class Masks {
  #segment;
  #last = Promise.resolve();

  /** segment: from a picture to a promise of its mask. */
  constructor(segment) {
    this.#segment = segment;
  }

  /**
   * picture: the photo's pixels. isWanted(): asked when the network is free; if it says no, as for a photo that was
   * replaced meanwhile, nothing is run and the promise is of null.
   */
  of(photo, picture, isWanted = () => true) {
    const found = this.#last.then(async () => {
      if (photo.mask === null && isWanted()) photo.mask = await this.#segment(picture);
      return photo.mask;
    });
    this.#last = found.catch(() => {}); // who asked hears of it
    return found;
  }
}
