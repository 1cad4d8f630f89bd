// The photos as a row of thumbnails to choose from: radio buttons, so that arrow keys and screen readers find them.

const SIDE = 96; // pixels of a thumbnail
const FEWEST = 2; // one photo is no choice

export class Strip {
  #list;
  #choices;
  #onChoose;
  #labels = new Map(); // by photo

  /** list: where the thumbnails go. choices: elements that are hidden while there is no choice. onChoose(photo). */
  constructor(list, choices, onChoose) {
    this.#list = list;
    this.#choices = choices;
    this.#onChoose = onChoose;
  }

  /** picture: the photo's pixels, for its thumbnail. */
  add(photo, picture) {
    const label = document.createElement('label');
    const input = Object.assign(document.createElement('input'), {type: 'radio', name: 'photo', ariaLabel: photo.name});
    input.addEventListener('change', () => this.#onChoose(photo));
    label.title = photo.name;
    label.append(input, thumbnailOf(picture));
    this.#labels.set(photo, label);
    this.#list.append(label);
    this.#hideUnlessChoice();
  }

  remove(photo) {
    this.#labels.get(photo).remove();
    this.#labels.delete(photo);
    this.#hideUnlessChoice();
  }

  /** photo: the one that is shown; null for the camera and the golden picture. */
  mark(photo) {
    for (const [each, label] of this.#labels) label.firstChild.checked = each === photo;
    this.#labels.get(photo)?.scrollIntoView({block: 'nearest', inline: 'nearest'});
  }

  #hideUnlessChoice() {
    for (const each of this.#choices) each.hidden = this.#labels.size < FEWEST;
  }
}

/** A square of the picture: the middle of a wide one, the upper part of a tall one, where a face is. */
function thumbnailOf(picture) {
  const canvas = Object.assign(document.createElement('canvas'), {width: SIDE, height: SIDE, ariaHidden: 'true'});
  const context = canvas.getContext('2d'), side = Math.min(picture.width, picture.height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 4, side, side, 0, 0, SIDE, SIDE);
  return canvas;
}
