// The fused pass's uniforms, from a ShaderDescription and what the user and the camera say.

import {IDENTITY, grainFrom, inverse} from './transforms.mjs';

/**
 * [{name, value}] in the description's order, `name` as in the ESSL text, `value` one number or 9
 * (column-major, as uniformMatrix3fv takes them). controls: by name, defaults elsewhere. matrices: by name,
 * row-major; image_from_mask follows from mask_from_image, and grain_from_image from the image's size (the controls
 * image_width and image_height) where it is not given, for an image that is the whole photo.
 */
export function uniformValues(description, controls = {}, matrices = {}) {
  const size = {width: controls.image_width ?? 1, height: controls.image_height ?? 1};
  const all = {
    ...matrices, image_from_mask: inverse(matrices.mask_from_image ?? IDENTITY),
    grain_from_image: matrices.grain_from_image ?? grainFrom({x: 0, y: 0, ...size}, size),
  };
  return description.uniforms.map((uniform) => {
    const {name, type} = uniform;
    if (type === 'mat3') return {name: `u_${name}`, value: all[name] ? transposed(all[name]) : uniform.default};
    return {name: `u_${name}`, value: [clamped(controls[name] ?? uniform.default[0], uniform)]};
  });
}

/** Controls that change nothing: the picture before. */
export const BEFORE = {intensity: 0};

function clamped(value, {minimum, maximum}) {
  return Math.min(maximum ?? Infinity, Math.max(minimum ?? -Infinity, value));
}

function transposed(m) {
  return [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];
}
