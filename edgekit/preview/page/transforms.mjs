// Texture-space transforms: the definitions of edgekit/shader/transforms.py. (0, 0) is the top left of a
// picture's first row, (1, 1) the bottom right. A matrix is 9 numbers, row-major; `bFromA` takes (x, y, 1).

export const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const MIRROR = [-1, 0, 1, 0, 1, 0, 0, 0, 1];
const QUARTER_TURN = [0, 1, 0, -1, 0, 1, 0, 0, 1]; // shows the image turned clockwise
const TURN_BACK = [0, -1, 1, 1, 0, 0, 0, 0, 1];

export function times(a, b) {
  return Array.from({length: 9}, (_, i) => {
    const row = 3 * Math.floor(i / 3), column = i % 3;
    return a[row] * b[column] + a[row + 1] * b[column + 3] + a[row + 2] * b[column + 6];
  });
}

/** grain_from_image of a part of a photo, in pixels: its places in the photo, whose longer side is 1. */
export function grainFrom(part, photo) {
  const longest = Math.max(photo.width, photo.height);
  return [part.width / longest, 0, part.x / longest, 0, part.height / longest, part.y / longest, 0, 0, 1];
}

/** The inverse of a matrix whose last row is (0, 0, 1), as all of these are. */
export function inverse([a, b, x, c, d, y]) {
  const determinant = a * d - b * c;
  return [
    d / determinant, -b / determinant, (b * y - d * x) / determinant,
    -c / determinant, a / determinant, (c * x - a * y) / determinant, 0, 0, 1,
  ];
}

/**
 * The two matrices of the fused pass for a picture of `width`×`height` that stands upright after so many
 * clockwise quarter turns, cut to fill a view, centred, and mirrored if asked. The mask is of the whole
 * upright picture, never mirrored.
 */
export function aspectFill({width, height, quarterTurns = 0, mirror = false, viewWidth, viewHeight}) {
  const turned = quarterTurns % 2 !== 0;
  const [uprightWidth, uprightHeight] = turned ? [height, width] : [width, height];
  const shown = (viewWidth * uprightHeight) / (viewHeight * uprightWidth); // view's aspect over picture's
  const w = Math.min(1, shown), h = Math.min(1, 1 / shown);
  const crop = [w, 0, (1 - w) / 2, 0, h, (1 - h) / 2, 0, 0, 1];
  return {
    image_from_output: times(turns(QUARTER_TURN, quarterTurns), mirror ? times(crop, MIRROR) : crop),
    mask_from_image: turns(TURN_BACK, quarterTurns),
  };
}

/** (width, height) of the small copy of a picture that a pass draws into: copy_shape of edgekit/color/blur.py. */
export function copySize({width, height}, longestSide) {
  const scale = Math.min(1, longestSide / Math.max(width, height));
  return [width, height].map((side) => Math.max(1, rounded(side * scale)));
}

/** Python's round: a half goes to the even neighbour. */
function rounded(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

/** image_from_output of the largest square around `centre` ([x, y] in texture space) that lies in the picture. */
export function squareAround(centre, {width, height, mirror = false}) {
  const side = Math.min(width, height);
  const [w, h] = [side / width, side / height];
  const start = (middle, extent) => Math.min(1 - extent, Math.max(0, middle - extent / 2));
  const crop = [w, 0, start(centre[0], w), 0, h, start(centre[1], h), 0, 0, 1];
  return {image_from_output: mirror ? times(crop, MIRROR) : crop};
}

function turns(one, count) {
  return Array.from({length: count}).reduce((matrix) => times(matrix, one), IDENTITY);
}
