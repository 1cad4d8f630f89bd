// The fused pass in WebGL2, with the bundle's own ESSL text. Pictures and masks go straight to textures.

import {BundleError} from './bundle.mjs';
import {aspectFill, copySize} from './transforms.mjs';
import {BEFORE, uniformValues} from './uniforms.mjs';

const DIALECT = 'essl300';
// Roles that this page can fill, and draws; tables and second pictures come from the bundle.
const SUPPLIED = new Set(['camera', 'mask', 'drawn-mask', 'blurred']);

export class Renderer {
  #gl;
  #picture;
  #mask;
  #drawn;
  #hasMask = false;
  #size = {width: 1, height: 1}; // of the picture
  #uploads = 0; // pictures and masks so far
  #programs = new Map();

  constructor(canvas) {
    const gl = canvas.getContext('webgl2', {alpha: false, antialias: false, depth: false});
    if (!gl) throw new Error('This browser or its graphics driver has no WebGL2; try another browser.');
    this.#gl = gl;
    this.canvas = canvas;
    this.largestSide = Math.min(gl.getParameter(gl.MAX_TEXTURE_SIZE), gl.getParameter(gl.MAX_RENDERBUFFER_SIZE));
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.#picture = this.#texture(gl.TEXTURE_2D, gl.LINEAR);
    this.#mask = this.#texture(gl.TEXTURE_2D, gl.LINEAR);
    this.#drawn = this.#texture(gl.TEXTURE_2D, gl.LINEAR);
    this.setMask({mask: new Uint8Array(4), width: 1, height: 1}); // a texture without texels is a warning wherever it is bound
    this.clearMask();
  }

  /** What draws: the driver's name, for the timing line. */
  get device() {
    const info = this.#gl.getExtension('WEBGL_debug_renderer_info');
    return this.#gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : this.#gl.RENDERER);
  }

  /** A style ready to draw, from `Bundle.shader`. `isWhole`: it cannot be drawn in tiles. */
  style({description, tables}) {
    const gl = this.#gl;
    const other = description.textures.find((t) => t.file === null && !SUPPLIED.has(t.role));
    if (other) throw new BundleError(`The style ${description.title} needs a ${other.role} texture, which this page has not; make the bundle with the bilinear refinement.`);
    const dialect = dialectOf(description);
    const textures = description.textures.map((texture) => {
      if (texture.role === 'camera') return [gl.TEXTURE_2D, this.#picture];
      if (texture.role === 'mask') return [gl.TEXTURE_2D, this.#mask];
      if (texture.role === 'drawn-mask') return [gl.TEXTURE_2D, this.#drawn];
      if (texture.role === 'blurred') return [gl.TEXTURE_2D, this.#texture(gl.TEXTURE_2D, gl.LINEAR)];
      if (texture.role === 'picture') return [gl.TEXTURE_2D, this.#secondPicture(texture, tables.get(texture.name))];
      return [gl.TEXTURE_3D, this.#table(texture, tables.get(texture.name))];
    });
    const passes = (description.passes ?? []).map((pass, i) => this.#prepared(description, dialect, textures, pass, i));
    const [width, height] = description.textures.find((each) => each.role === 'picture')?.size ?? [];
    const picture = width && {width, height};
    return {
      description, program: this.#program(description, dialect, dialect), textures, passes, picture,
      isWhole: passes.length > 0 || Boolean(picture), drawnFor: null,
    };
  }

  /** True once the driver was reset: what was drawn since is lost. */
  get isLost() {
    return this.#gl.isContextLost();
  }

  /**
   * An ImageBitmap, canvas or video frame; its first row is uploaded on top. The mask stays, for a video's next frame;
   * where the picture is another one, give its mask too, or `clearMask()` until it is found.
   */
  setPicture(source) {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#picture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, source);
    this.#size = sizeOf(source);
    this.#uploads += 1;
  }

  /**
   * mask: height × width × 4 bytes, weights of skin, hair, clothes in 0…255; the fourth is not read. drawn: as many, of
   * the drawn regions; without it nothing is drawn.
   */
  setMask({mask, drawn, width, height}) {
    this.#upload(this.#mask, mask, width, height);
    if (drawn) this.#upload(this.#drawn, drawn, width, height);
    else this.#upload(this.#drawn, new Uint8Array(4), 1, 1);
    this.#hasMask = true;
    this.#uploads += 1;
  }

  #upload(texture, rgba, width, height) {
    const gl = this.#gl;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, rgba);
  }

  /** Draw the picture as it is until the next `setMask`: no style without knowing where skin is. */
  clearMask() {
    this.#hasMask = false;
  }

  /**
   * Draw to the canvas: left of `divider` (a fraction of the width) the picture before, right of it styled. All of it
   * before while there is no mask.
   * matrices: as `aspectFill` gives them; by default picture and canvas have one shape.
   */
  draw(style, controls, {matrices = {}, divider = 0} = {}) {
    const gl = this.#gl;
    const {width, height} = this.canvas;
    const split = this.#hasMask ? Math.round(divider * width) : width;
    const all = {...matrices};
    if (style.picture) all.picture_from_output ??= aspectFill({...style.picture, viewWidth: width, viewHeight: height}).image_from_output;
    if (split < width) this.#drawPasses(style, controls, all);
    this.#use(style, style.program);
    gl.viewport(0, 0, width, height);
    gl.enable(gl.SCISSOR_TEST);
    if (split > 0) this.#part(style, {...controls, ...BEFORE}, all, 0, split);
    if (split < width) this.#part(style, controls, all, split, width - split);
    gl.disable(gl.SCISSOR_TEST);
  }

  /** Like draw; resolves nothing early: reads one pixel back, so the time holds the GPU's work. Returns ms. */
  drawTimed(style, controls, options) {
    const gl = this.#gl, start = performance.now();
    this.draw(style, controls, options);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    return performance.now() - start;
  }

  /** Give the GPU's memory back; the canvas cannot be drawn to again. */
  close() {
    this.#gl.getExtension('WEBGL_lose_context')?.loseContext();
  }

  #use({textures}, program) {
    const gl = this.#gl;
    gl.useProgram(program.program);
    textures.forEach(([target, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(target, texture);
    });
  }

  #part(style, controls, matrices, left, width) {
    this.#gl.scissor(left, 0, width, this.canvas.height);
    this.#draw(style.description, style.program, controls, matrices);
  }

  #draw(description, program, controls, matrices) {
    const gl = this.#gl;
    const {width: image_width, height: image_height} = this.#size;
    for (const {name, value} of uniformValues(description, {...controls, image_width, image_height}, matrices)) {
      const at = program.location(name);
      if (value.length === 9) gl.uniformMatrix3fv(at, false, value);
      else gl.uniform1f(at, value[0]);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** What the style's passes draw, unless they have drawn it for this picture, mask and blur. */
  #drawPasses(style, controls, matrices) {
    const gl = this.#gl;
    const wanted = JSON.stringify([this.#uploads, controls.blur, matrices.mask_from_image]);
    if (style.passes.length === 0 || style.drawnFor === wanted) return;
    for (const {program, target, longestSide, framebuffer} of style.passes) {
      const [width, height] = copySize(this.#size, longestSide);
      this.#use(style, program);
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, target);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16F, width, height, 0, gl.RGBA, gl.HALF_FLOAT, null);
      this.#use(style, program);
      gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, target, 0);
      gl.viewport(0, 0, width, height);
      this.#draw(style.description, program, controls, matrices);
    }
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    style.drawnFor = wanted;
  }

  /** One of the description's passes, with its program, the texture that it draws into and a framebuffer. */
  #prepared(description, dialect, textures, {target, longest_side: longestSide}, index) {
    const gl = this.#gl;
    if (!gl.getExtension('EXT_color_buffer_float') && !gl.getExtension('EXT_color_buffer_half_float')) {
      throw new BundleError(`The style ${description.title} blurs, which this GPU cannot: it draws into no half floats.`);
    }
    const unit = description.textures.findIndex((each) => each.name === target);
    return {
      program: this.#program(description, dialect, dialect.passes[index]), target: textures[unit][1], longestSide,
      framebuffer: gl.createFramebuffer(),
    };
  }

  /** Styles whose text is the same share a program. stages: {vertex, fragment} of the dialect or of one of its passes. */
  #program(description, dialect, stages) {
    const gl = this.#gl;
    const textOf = (stage) => dialect.sources.find((source) => source.file === stage.file).text;
    const fragment = textOf(stages.fragment);
    if (!this.#programs.has(fragment)) {
      const program = this.#linked(textOf(stages.vertex), fragment);
      gl.useProgram(program);
      description.textures.forEach((t, unit) => gl.uniform1i(gl.getUniformLocation(program, t.name), unit));
      const locations = new Map(description.uniforms.map(({name}) => [`u_${name}`, gl.getUniformLocation(program, `u_${name}`)]));
      this.#programs.set(fragment, {program, location: (name) => locations.get(name)});
    }
    return this.#programs.get(fragment);
  }

  #linked(vertex, fragment) {
    const gl = this.#gl, program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      gl.deleteShader(shader); // goes with the program
    }
    gl.linkProgram(program);
    if (gl.getProgramParameter(program, gl.LINK_STATUS)) return program;
    const logs = gl.getAttachedShaders(program).map((shader) => gl.getShaderInfoLog(shader));
    throw new BundleError(`This GPU's driver refuses the bundle's shader: ${[...logs, gl.getProgramInfoLog(program)].join(' ').trim()}`);
  }

  #table({filter, size}, bytes) {
    const gl = this.#gl;
    const texture = this.#texture(gl.TEXTURE_3D, filter === 'linear' ? gl.LINEAR : gl.NEAREST);
    gl.texImage3D(gl.TEXTURE_3D, 0, gl.RGBA8, ...size, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    return texture;
  }

  #secondPicture({size}, bytes) {
    const gl = this.#gl;
    const texture = this.#texture(gl.TEXTURE_2D, gl.LINEAR);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ...size, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    return texture;
  }

  #texture(target, filter) {
    const gl = this.#gl, texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(target, texture);
    for (const k of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(target, k, filter);
    for (const k of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R]) gl.texParameteri(target, k, gl.CLAMP_TO_EDGE);
    return texture;
  }
}

function dialectOf(description) {
  const dialect = description.dialects.find((each) => each.name === DIALECT);
  if (!dialect) throw new BundleError(`The style ${description.title} has no ${DIALECT} text; make the bundle again.`);
  return dialect;
}

/** The size of an ImageBitmap, canvas, image, video or video frame. */
function sizeOf(source) {
  const width = source.videoWidth ?? source.displayWidth ?? source.naturalWidth ?? source.width;
  const height = source.videoHeight ?? source.displayHeight ?? source.naturalHeight ?? source.height;
  return {width, height};
}
