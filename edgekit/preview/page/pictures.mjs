// Pictures from files and to files.

const GAP = 1 / 100; // of the shorter side, between before and after

/**
 * A photo's pixels, upright, shrunk where they exceed `limits` (of `sizeWithin`). photo: {name, source}, the latter
 * what createImageBitmap takes. Returns {picture: an ImageBitmap, original: its size before}.
 */
export async function pictureOf({name, source}, limits) {
  let picture;
  try {
    picture = await createImageBitmap(source);
  } catch {
    throw new Error(`${name} is not a picture that this browser can open; try a JPEG or PNG.`);
  }
  const original = {width: picture.width, height: picture.height};
  const {width, height} = sizeWithin(original, limits);
  if (width === original.width && height === original.height) return {picture, original};
  const fitted = await createImageBitmap(picture, {resizeWidth: width, resizeHeight: height, resizeQuality: 'high'});
  picture.close();
  return {picture: fitted, original};
}

/** The size of a picture that is shrunk, if it must be, to `side` pixels on either side and `pixels` in all. */
export function sizeWithin({width, height}, {side, pixels = Infinity}) {
  const scale = Math.min(1, side / width, side / height, Math.sqrt(pixels / (width * height)));
  return {width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale))};
}

/** Before and after as one picture: beside each other, or one above the other where they are wide. */
export function compared(before, after) {
  const {width, height} = before;
  const gap = Math.ceil(GAP * Math.min(width, height));
  const [x, y] = width > height ? [0, height + gap] : [width + gap, 0];
  const canvas = new OffscreenCanvas(x + width, y + height);
  const context = canvas.getContext('2d', {alpha: false});
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(before, 0, 0);
  context.drawImage(after, x, y);
  return canvas;
}

/** A canvas as a file. format: of `formatFor`. */
export async function encoded(canvas, format) {
  try {
    return await canvas.convertToBlob(format);
  } catch {
    throw new Error(`This browser has no memory for a picture of ${canvas.width}×${canvas.height}; close other tabs and try again.`);
  }
}

/** Give a file to the user, as a download. */
export function download(blob, name) {
  const link = Object.assign(document.createElement('a'), {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // by then the browser has it
}
