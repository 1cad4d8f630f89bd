// Reading an edgekit bundle (docs/bundle.md). Nothing is used before its size and sha256 were compared
// with bundle.json; every refusal is a BundleError of one sentence. Works in browsers, workers and Node.

const SCHEMA = 'edgekit/bundle';
const SCHEMA_VERSION = 1;
const BUNDLE_FILE = 'bundle.json';
// The limits of the format: the whole bundle is read into memory.
const LARGEST_JSON_BYTES = 1 << 20;
const LARGEST_FILE_BYTES = 64 << 20;
const LARGEST_BUNDLE_BYTES = 256 << 20;

export class BundleError extends Error {}

/**
 * Open a bundle. `read(path, mostBytes)` resolves to a Uint8Array, and may stop at mostBytes + 1 bytes.
 * Files are verified when they are read: a page does not download what it does not use.
 */
export async function openBundle(read) {
  const index = parsedJson(await read(BUNDLE_FILE, LARGEST_JSON_BYTES), BUNDLE_FILE, LARGEST_JSON_BYTES);
  if (index?.schema !== SCHEMA) throw new BundleError(`${BUNDLE_FILE} is not the index of an edgekit bundle.`);
  if (index.schema_version !== SCHEMA_VERSION) {
    throw new BundleError(
      `The bundle has schema version ${index.schema_version}; this page reads ${SCHEMA_VERSION}.`);
  }
  try {
    const bundle = new Bundle(index, entriesByPath(index.files), read);
    bundle.style(index.default_style);
    bundle.style(index.golden.style);
    return bundle;
  } catch (error) {
    if (error instanceof BundleError) throw error;
    throw new BundleError(`${BUNDLE_FILE} is not complete (${error.message}); make the bundle again.`);
  }
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
    return parsedJson(await this.bytes(path), path, LARGEST_FILE_BYTES);
  }

  style(name) {
    const style = this.index.styles.find((each) => each.name === name);
    if (style) return style;
    const known = this.index.styles.map((each) => each.name).join(', ');
    throw new BundleError(`There is no style "${name}" in the bundle; it holds ${known}.`);
  }

  /** A style's ShaderDescription, and its tables' bytes by texture name. */
  async shader(name) {
    const path = this.style(name).description;
    const description = await this.json(path);
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const tables = new Map();
    for (const texture of description.textures) {
      if (texture.file !== null) tables.set(texture.name, await this.bytes(folder + texture.file));
    }
    return {description, tables};
  }

  /** The artifact's entry in bundle.json; its manifest must say RGB bytes in, group weights out. */
  async segmenter(target) {
    const entry = this.index.segmenters.find((each) => each.target === target);
    if (!entry) throw new BundleError(`The bundle holds no ${target} artifact; make it again with one.`);
    const {inputs, outputs} = await this.json(entry.manifest);
    const rgbIn = isTensor(inputs, [1, entry.input_size, entry.input_size, 3], ['red', 'green', 'blue']);
    const groupsOut = isTensor(outputs, [1, entry.mask_size, entry.mask_size, 4], ['skin', 'hair', 'clothes']);
    if (!rgbIn || !groupsOut) {
      throw new BundleError(`${entry.path} does not take RGB bytes and give group weights; convert it with --output groups.`);
    }
    return entry;
  }
}

/** `path` when it can only lead below the bundle's folder. */
export function safePath(path) {
  const parts = typeof path === 'string' ? path.split('/') : [''];
  if (/[\\:\0]/.test(path) || parts.some((part) => ['', '.', '..'].includes(part)) || path === BUNDLE_FILE) {
    throw new BundleError(`The bundle lists an unsafe path: ${JSON.stringify(path)}.`);
  }
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
  let total = 0;
  for (const entry of files) {
    const {path, size_bytes: size} = entry;
    if (entries.has(safePath(path))) throw new BundleError(`The bundle lists ${path} twice.`);
    if (!Number.isInteger(size) || size < 0 || size > LARGEST_FILE_BYTES) {
      throw new BundleError(`${path} is larger than ${LARGEST_FILE_BYTES >> 20} MiB or has no size.`);
    }
    entries.set(path, entry);
    total += size;
  }
  if (total > LARGEST_BUNDLE_BYTES) {
    throw new BundleError(`The bundle is larger than ${LARGEST_BUNDLE_BYTES >> 20} MiB.`);
  }
  return entries;
}

function isTensor(tensors, shape, channels) {
  if (tensors?.length !== 1) return false;
  const [tensor] = tensors;
  return tensor.dtype === 'uint8' && String(tensor.shape) === String(shape) &&
    channels.every((name, i) => tensor.channels[i] === name);
}

function parsedJson(bytes, path, mostBytes) {
  if (bytes.length > mostBytes) throw new BundleError(`${path} is larger than ${mostBytes >> 20} MiB.`);
  try {
    return JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
  } catch (error) {
    throw new BundleError(`${path} is not JSON (${error.message}).`);
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
