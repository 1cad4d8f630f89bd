// Reading an edgekit bundle (docs/bundle.md). Nothing is used before its size and sha256 were compared
// with bundle.json; every refusal is a BundleError of one sentence. Works in browsers, workers and Node.

import {FRAME_PREPROCESSING} from './fit.mjs';
import {
  BundleError, list, map, matching, name, number, numberFrom, object, oneOf, orNull, parsedJson, sha256 as sha256Text,
  string, whole, wrong,
} from './json.mjs';

export {BundleError};

const BUNDLE_FILE = 'bundle.json';
// The limits of the format: the whole bundle is read into memory.
const LARGEST_JSON_BYTES = 1 << 20;
const LARGEST_FILE_BYTES = 64 << 20;
const LARGEST_BUNDLE_BYTES = 256 << 20;
const LARGEST_DESCRIPTION_BYTES = 4 << 20;
const TABLE_BYTES = 4; // RGBA8
const UNIFORM_BYTES = {float: 4, mat3: 48}; // in the block of MSL and WGSL, where a mat3's columns are 16 bytes apart

const LARGEST_SIDE = 16384; // pixels: the largest texture that a GPU of today takes
const side = whole(1, LARGEST_SIDE);
// A square by its side, any other size as rows x columns.
const sideOrShape = (value, place, text) => {
  if (typeof value !== 'string') return side(value, place, text);
  const {width, height} = sizeFrom(value);
  if (!(width <= LARGEST_SIDE && height <= LARGEST_SIDE)) throw wrong(place, 'a side or rows x columns in pixels');
};
const count = whole(0, Number.MAX_SAFE_INTEGER);
const plainFile = matching(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a plain file name');
const picture = object({path: name, width: side, height: side, rgba8_sha256: sha256Text});
const INDEX = object({
  name,
  edgekit_version: name,
  segmenters: list(object({
    target: oneOf('coreml', 'tflite'), path: name, manifest: name, input_size: sideOrShape, mask_size: sideOrShape,
    recipe: name, minimum_os: name,
  }, {accelerated: list(object({accelerator: oneOf('gpu'), path: name, manifest: name, recipe: name}))}), 1),
  class_names: list(name, 1),
  groups: map(list(count)),
  styles: list(object({name, title: name, description: name}), 1),
  default_style: name,
  controls: list(object({name, minimum: number, maximum: number, default: number})),
  golden: object({
    style: name, uniforms: map(number), image: picture, mask: picture, styled: picture,
    given_mask_max_levels: whole(0, 255),
    end_to_end_delta_e00_p95: numberFrom(Number.MIN_VALUE, 100), // 100 is black against white
    vectors: name,
  }),
  files: list(object({path: string, size_bytes: whole(0, LARGEST_FILE_BYTES), sha256: sha256Text}), 1),
});
// What the page needs of a ShaderDescription.
const stage = object({file: plainFile, entry: string});
const DESCRIPTION = object({
  title: string,
  layers: list(object({regions: list(string, 1), strength: numberFrom(0, 1)}), 1),
  textures: list(object({
    name: string, role: oneOf('camera', 'mask', 'coefficients', 'drawn-mask', 'lut', 'picture', 'blurred'),
    dimension: oneOf('2d', '3d'), format: oneOf('rgba8unorm', 'rgba16float'), filter: oneOf('linear', 'nearest'),
    size: orNull(list(side, 2)), file: orNull(plainFile), sha256: orNull(sha256Text),
  })),
  uniforms: list(object({
    name: string, type: oneOf('float', 'mat3'), default: list(number, 1), minimum: orNull(number),
    maximum: orNull(number), offset_bytes: count,
  })),
  uniform_block_size_bytes: whole(16, 65536),
  dialects: list(object({
    name: string, sources: list(object({file: plainFile, text: string, sha256: sha256Text}), 1), vertex: stage,
    fragment: stage,
  }, {passes: list(object({name: string, vertex: stage, fragment: stage}))})),
}, {passes: list(object({name: string, target: string, longest_side: side, textures: list(string, 1)}))});

/**
 * Open a bundle. `read(path, mostBytes)` resolves to a Uint8Array, and may stop at mostBytes + 1 bytes.
 * Files are verified when they are read: a page does not download what it does not use.
 */
export async function openBundle(read) {
  const index = described(await read(BUNDLE_FILE, LARGEST_JSON_BYTES), BUNDLE_FILE, LARGEST_JSON_BYTES, 'edgekit/bundle', INDEX);
  const entries = entriesByPath(index.files);
  const bundle = new Bundle(index, entries, read);
  bundle.style(index.default_style);
  bundle.style(index.golden.style);
  checkIndex(index, entries);
  return bundle;
}

/** A `read` over HTTP: `base` is the bundle's folder. */
export function readerAt(base) {
  const root = new URL(base.endsWith('/') ? base : `${base}/`, globalThis.location?.href);
  return async (path, mostBytes) => {
    let response;
    try {
      response = await fetch(new URL(path.split('/').map(encodeURIComponent).join('/'), root));
    } catch {
      throw new BundleError(`${path} cannot be fetched; is the server still running?`);
    }
    if (!response.ok) throw new BundleError(`${path} cannot be fetched (HTTP ${response.status}).`);
    return bytesUpTo(response.body, mostBytes + 1);
  };
}

export class Bundle {
  #entries;
  #read;

  constructor(index, entries, read) {
    this.index = index;
    this.#entries = entries;
    this.#read = read;
  }

  /** The verified bytes of a listed file. */
  async bytes(path) {
    const entry = this.#entries.get(path);
    if (!entry) throw new BundleError(`${path} is not listed in ${BUNDLE_FILE}.`);
    const bytes = await this.#read(path, entry.size_bytes);
    if (bytes.length !== entry.size_bytes) {
      throw new BundleError(`${path} has not the ${entry.size_bytes} bytes that ${BUNDLE_FILE} lists.`);
    }
    if (await sha256(bytes) !== entry.sha256) {
      throw new BundleError(`${path} is damaged: its sha256 differs from ${BUNDLE_FILE}; copy the bundle again.`);
    }
    return bytes;
  }

  async json(path) {
    return parsedJson(textOf(await this.bytes(path), path, LARGEST_DESCRIPTION_BYTES), path);
  }

  style(name) {
    const style = this.index.styles.find((each) => each.name === name);
    if (style) return style;
    const known = this.index.styles.map((each) => each.name).join(', ');
    throw new BundleError(`There is no style "${name}" in the bundle; it holds ${known}.`);
  }

  /** A style's ShaderDescription, and the bytes of its tables and picture by texture name. */
  async shader(name) {
    const path = this.style(name).description;
    const description = described(
      await this.bytes(path), path, LARGEST_DESCRIPTION_BYTES, 'edgekit/shader-description', DESCRIPTION);
    await checkDescription(description, path);
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const tables = new Map();
    for (const texture of description.textures) {
      if (texture.file === null) continue;
      const bytes = await this.bytes(folder + texture.file);
      const texels = texture.size?.reduce((product, each) => product * each, 1);
      if (texture.size?.length !== (texture.role === 'picture' ? 2 : 3) || texture.format !== 'rgba8unorm' || texels * TABLE_BYTES !== bytes.length) {
        throw new BundleError(`${path}: ${texture.file} is not a table of the size and format that are described.`);
      }
      if (await sha256(bytes) !== texture.sha256) {
        throw new BundleError(`${path}: ${texture.file} is not the table that was described: its sha256 differs.`);
      }
      tables.set(texture.name, bytes);
    }
    return {description, tables};
  }

  /** True where the bundle lists an artifact that a GPU takes. */
  isAccelerated(target) {
    return this.index.segmenters.some((each) => each.target === target && each.accelerated?.length > 0);
  }

  /**
   * The artifact's entry in bundle.json, with `inputSize` and `maskSize` as {width, height}, and its `sha256`; its
   * manifest must say RGB bytes in, group weights out. accelerator: null for the CPU, or 'gpu'.
   */
  async segmenter(target, accelerator = null) {
    const segmenter = this.index.segmenters.find((each) => each.target === target);
    const artifact = accelerator ? segmenter?.accelerated?.find((each) => each.accelerator === accelerator) : segmenter;
    if (!artifact) throw new BundleError(`The bundle holds no ${target} artifact${accelerator ? ' for a GPU' : ''}; make it again with one.`);
    const entry = {...segmenter, ...artifact};
    const inputSize = sizeFrom(entry.input_size), maskSize = sizeFrom(entry.mask_size);
    const {inputs, outputs, preprocessing} = await this.json(entry.manifest);
    const rgbIn = isTensor(inputs, [1, inputSize.height, inputSize.width, 3], ['red', 'green', 'blue']);
    const groupsOut = isTensor(outputs, [1, maskSize.height, maskSize.width, 4], ['skin', 'hair', 'clothes']);
    if (!rgbIn || !groupsOut) {
      throw new BundleError(`${entry.path} does not take RGB bytes and give group weights; convert it with --output groups.`);
    }
    if (inputSize.width !== inputSize.height && preprocessing !== FRAME_PREPROCESSING) {
      throw new BundleError(`${entry.path} is not for photos fitted by ${FRAME_PREPROCESSING}; use matching versions.`);
    }
    return {...entry, inputSize, maskSize, sha256: this.#entries.get(entry.path)?.sha256}; // a package has none
  }
}

/** {width, height} of a square by its side or of "rows x columns"; NaN where the text is neither. */
function sizeFrom(value) {
  if (typeof value === 'number') return {width: value, height: value};
  const [, height, width] = /^([1-9][0-9]{0,4})x([1-9][0-9]{0,4})$/.exec(value) ?? [];
  return {width: Number(width), height: Number(height)};
}

/** `path` when it can only lead below the bundle's folder. */
export function safePath(path) {
  name(path, 'A path that the bundle lists');
  const unsafe = /[\\:]/.test(path) || path.split('/').some((part) => ['', '.', '..'].includes(part));
  if (unsafe || folded(path) === BUNDLE_FILE) throw new BundleError(`The bundle lists an unsafe path: "${path}".`);
  return path;
}

/** Lower-case hex. `crypto.subtle` is there on https and on loopback only. */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) throw new BundleError('The browser checks sha256 on https or localhost only.');
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function entriesByPath(files) {
  const entries = new Map();
  const others = new Map(); // by path as file systems compare that ignore case and the form of accents
  let total = 0;
  for (const entry of files) {
    const path = safePath(entry.path);
    if (entries.has(path)) throw new BundleError(`The bundle lists ${path} twice.`);
    if (others.has(folded(path))) {
      throw new BundleError(`The bundle lists ${path} and ${others.get(folded(path))}, which many file systems hold for one file.`);
    }
    entries.set(path, entry);
    others.set(folded(path), path);
    total += entry.size_bytes;
  }
  for (const path of others.keys()) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
      const folder = others.get(path.slice(0, at));
      if (folder) throw new BundleError(`The bundle lists ${folder} as a file and as a folder.`);
    }
  }
  if (total > LARGEST_BUNDLE_BYTES) {
    throw new BundleError(`The bundle is larger than ${LARGEST_BUNDLE_BYTES >> 20} MiB.`);
  }
  return entries;
}

function folded(path) {
  return path.normalize('NFC').toLowerCase().toUpperCase().toLowerCase().normalize('NFC');
}

/** What no single field of the index shows. */
function checkIndex({styles, segmenters, controls, golden, groups, class_names: classes}, entries) {
  const lists = {style: styles.map((each) => each.name), control: controls.map((each) => each.name)};
  lists['segmenter for'] = segmenters.map((each) => each.target);
  const accelerators = segmenters.map((each) => ['accelerator', (each.accelerated ?? []).map((one) => one.accelerator)]);
  for (const [kind, names] of [...Object.entries(lists), ...accelerators]) {
    const seen = new Set();
    for (const each of names) {
      if (seen.has(each)) throw new BundleError(`The bundle lists the ${kind} ${each} twice.`);
      seen.add(each);
    }
  }
  for (const {name: control, minimum, maximum, default: value} of controls) {
    if (!(minimum < maximum && minimum <= value && value <= maximum)) {
      throw new BundleError(`The default of the control ${control} is outside its range.`);
    }
  }
  if (String(Object.keys(golden.uniforms).sort()) !== String(lists.control.sort())) {
    throw new BundleError('The golden picture\'s uniforms are not the bundle\'s controls.');
  }
  if (Object.values(groups).some((group) => group.some((each) => each >= classes.length))) {
    throw new BundleError('The bundle has a group with a class that class_names has not.');
  }
  const artifacts = segmenters.flatMap((each) => [each, ...each.accelerated ?? []]);
  const files = [
    ...styles.map((each) => each.description), ...artifacts.map((each) => each.manifest),
    golden.image.path, golden.mask.path, golden.styled.path, golden.vectors,
  ];
  const packages = artifacts.map((each) => each.path); // a file, or a folder of files
  const inFolder = (path) => [...entries.keys()].some((each) => each.startsWith(`${path}/`));
  const missing = files.find((path) => !entries.has(path)) ?? packages.find((path) => !entries.has(path) && !inFolder(path));
  if (missing !== undefined) throw new BundleError(`${BUNDLE_FILE} names ${missing} but does not list it; make the bundle again.`);
}

async function checkDescription({uniforms, uniform_block_size_bytes: blockBytes, dialects, textures, passes = []}, path) {
  const drawn = textures.filter((each) => each.role === 'blurred').map((each) => each.name);
  if (String(passes.map((each) => each.target).sort()) !== String(drawn.sort())) {
    throw new BundleError(`${path}: its passes do not draw each of the textures that passes draw once.`);
  }
  const ready = new Set(textures.map((each) => each.name).filter((each) => !drawn.includes(each)));
  for (const {name: pass, target, textures: read} of passes) {
    const missing = read.find((each) => !ready.has(each));
    if (missing !== undefined) throw new BundleError(`${path}: the pass ${pass} reads ${missing}, which holds nothing by then.`);
    ready.add(target);
  }
  for (const {name: uniform, type, offset_bytes: at} of uniforms) {
    if (at + UNIFORM_BYTES[type] > blockBytes) throw new BundleError(`${path}: the uniform ${uniform} lies outside the uniform block.`);
  }
  for (const {name: dialect, sources, vertex, fragment, passes: texts = []} of dialects) {
    if (String(texts.map((each) => each.name)) !== String(passes.map((each) => each.name))) {
      throw new BundleError(`${path}: the dialect ${dialect} has no text for each pass.`);
    }
    for (const {file, text, sha256: expected} of sources) {
      if (await sha256(new TextEncoder().encode(text)) !== expected) {
        throw new BundleError(`${path}: the text of ${file} was changed after it was written.`);
      }
    }
    for (const {file} of [vertex, fragment, ...texts.flatMap((each) => [each.vertex, each.fragment])]) {
      if (!sources.some((source) => source.file === file)) throw new BundleError(`${path} has no text for ${file}.`);
    }
  }
}

function isTensor(tensors, shape, channels) {
  if (tensors?.length !== 1) return false;
  const [tensor] = tensors;
  return tensor.dtype === 'uint8' && String(tensor.shape) === String(shape) &&
    channels.every((name, i) => tensor.channels[i] === name);
}

/** The JSON in `bytes`: its schema and version first, then its form. */
function described(bytes, path, mostBytes, schema, form) {
  const text = textOf(bytes, path, mostBytes);
  const head = parsedJson(text, path);
  if (head?.schema !== schema) throw new BundleError(`${path} is not of the schema ${schema}.`);
  const version = head.schema_version;
  if (version !== 1) throw new BundleError(`${path} has schema version ${JSON.stringify(version)}; this page reads 1.`);
  return parsedJson(text, path, {...form, members: {...form.members, schema_version: whole(1, 1)}});
}

function textOf(bytes, path, mostBytes) {
  if (bytes.length > mostBytes) throw new BundleError(`${path} is larger than ${mostBytes >> 20} MiB.`);
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    throw new BundleError(`${path} is not UTF-8 text.`);
  }
}

async function bytesUpTo(stream, most) {
  const kept = [];
  let length = 0;
  const reader = stream.getReader();
  while (length < most) {
    const {done, value} = await reader.read();
    if (done) break;
    kept.push(value);
    length += value.length;
  }
  reader.cancel();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of kept) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
