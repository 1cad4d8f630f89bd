// A photo's place in the network's input: the definition of edgekit/images/fit.py. Sizes are {width, height} in pixels.

/** What is done to photos for inputs that are no squares, as the manifest names it. */
export const FRAME_PREPROCESSING = 'fit-bilinear-antialias-srgb-u8/1';
export const PADDING = '#000';

const MOST_ASPECT_CHANGE = 1.5;
const FIT_MULTIPLE = 32; // pixels: the largest stride, so that masks are cut between two pixels

/**
 * The first rows and columns of an input that show all of a photo: all of them where the photo is stretched, else some,
 * in which it keeps its aspect ratio up to a multiple of 32 pixels.
 */
export function shownPart(photo, input) {
  const across = photo.width * input.height, down = photo.height * input.width;
  const isSquare = input.width === input.height;
  if (isSquare || Math.max(across, down) <= MOST_ASPECT_CHANGE * Math.min(across, down)) return input;
  return across <= down
    ? {width: side(across, photo.height, input.width), height: input.height}
    : {width: input.width, height: side(down, photo.width, input.height)};
}

/** The first rows and columns of a mask that show the photo, which is in the first `shown` pixels of the input. */
export function shownMask(mask, shown, input) {
  return {
    width: Math.floor((mask.width * shown.width) / input.width),
    height: Math.floor((mask.height * shown.height) / input.height),
  };
}

/** The first `part` of RGBA pixels of size `whole`; the same array where that is all of them. */
export function firstPart(rgba, whole, part) {
  if (part.width === whole.width) return part.height === whole.height ? rgba : rgba.subarray(0, 4 * whole.width * part.height);
  const cut = new Uint8Array(4 * part.width * part.height);
  for (let y = 0; y < part.height; y += 1) {
    const from = 4 * y * whole.width;
    cut.set(rgba.subarray(from, from + 4 * part.width), 4 * y * part.width);
  }
  return cut;
}

/** scaled / by, rounded to a multiple of 32 from 32 to `most`. */
function side(scaled, by, most) {
  const nearest = Math.floor((2 * scaled + FIT_MULTIPLE * by) / (2 * FIT_MULTIPLE * by)) * FIT_MULTIPLE;
  return Math.min(Math.max(nearest, FIT_MULTIPLE), most);
}
