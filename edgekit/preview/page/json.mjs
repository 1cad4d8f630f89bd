// JSON that nobody vouches for. JSON.parse would take a key that is there twice, and cannot tell 12.0 from 12: a
// count written as a float is none for the other readers of a bundle.

const DEEPEST = 32; // bundle.json nests 5 deep, shader.json 6; more is an attack on the stack
const MOST_NAME_CHARS = 1000;
const MOST_SENTENCE_CHARS = 2000;
// Control characters, lone surrogates, and what changes the direction of text: a name must not steer what shows it.
const STEERING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u;
const TOKEN = {
  space: /[ \t\n\r]*/y,
  string: /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y,
  number: /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y,
  word: /true|false|null/y,
};

/** A bundle that is refused. The message is one line without control characters, however the names in it read. */
export class BundleError extends Error {
  constructor(sentence) {
    const line = sentence.slice(0, 2 * MOST_SENTENCE_CHARS).replaceAll(new RegExp(STEERING, 'gu'), '');
    super(line.length <= MOST_SENTENCE_CHARS ? line : `${line.slice(0, MOST_SENTENCE_CHARS - 1)}…`);
  }
}

/**
 * The value of a JSON text, checked against `form` where one is given: a function (value, place, text) that throws a
 * BundleError, or one of `object`, `list`, `map`. place: the file's name in sentences; text: a number as it is written.
 */
export function parsedJson(text, place, form = any) {
  const parser = new Parser(text, place);
  const value = parser.value(form, place, 0);
  parser.end();
  return value;
}

/** Members by name, each with its form; `optional` ones may be absent, and other members are left as they are. */
export const object = (members, optional = {}) => ({kind: 'object', members: {...members, ...optional}, optional});
/** Items of one form. */
export const list = (item, least = 0) => ({kind: 'list', item, least});
/** Members of any plain name, with one form. */
export const map = (member) => ({kind: 'map', member});

export const any = () => {};
export const orNull = (form) => (form.kind ? {...form, orNull: true} : (value, ...at) => value === null || form(value, ...at));

/** A text that may be shown: of 1 to 1000 characters, none of which steers what shows it. */
export function name(value, place) {
  if (typeof value !== 'string' || value === '' || [...value.slice(0, 2 * MOST_NAME_CHARS + 1)].length > MOST_NAME_CHARS) {
    throw wrong(place, `a text of 1 to ${MOST_NAME_CHARS} characters`);
  }
  if (STEERING.test(value)) throw wrong(place, 'a text without control characters');
}

export function string(value, place) {
  if (typeof value !== 'string') throw wrong(place, 'a text');
}

export function sha256(value, place) {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw wrong(place, 'a sha256');
}

export const matching = (pattern, what) => (value, place) => {
  if (typeof value !== 'string' || !pattern.test(value)) throw wrong(place, what);
};

export const oneOf = (...known) => (value, place) => {
  if (!known.includes(value)) throw wrong(place, `one of ${known.join(', ')}`);
};

export function number(value, place) {
  if (typeof value !== 'number') throw wrong(place, 'a number');
}

export const numberFrom = (least, most) => (value, place) => {
  if (typeof value !== 'number' || value < least || value > most) throw wrong(place, `a number from ${least} to ${most}`);
};

export const whole = (least, most) => (value, place, text) => {
  if (typeof value !== 'number' || !/^-?[0-9]+$/.test(text) || value < least || value > most) {
    throw wrong(place, `a whole number from ${least} to ${most}`);
  }
};

export function wrong(place, wanted) {
  return new BundleError(`${place} is not ${wanted}; make the bundle again.`);
}

class Parser {
  #text;
  #file;
  #at = 0;

  constructor(text, file) {
    this.#text = text;
    this.#file = file;
  }

  value(form, place, depth) {
    if (depth > DEEPEST) this.#refuse(`it nests deeper than ${DEEPEST}`);
    this.#token('space');
    const start = this.#text[this.#at];
    if (form.kind && !(form.orNull && start === 'n') && start !== (form.kind === 'list' ? '[' : '{')) {
      throw wrong(place, form.kind === 'list' ? 'a list' : 'an object');
    }
    if (start === '{') return this.#object(form, place, depth);
    if (start === '[') return this.#list(form, place, depth);
    const {value, text} = this.#single(start);
    if (!form.kind) form(value, place, text);
    return value;
  }

  end() {
    this.#token('space');
    if (this.#at !== this.#text.length) this.#refuse('something follows the JSON value');
  }

  #object(form, place, depth) {
    const members = new Map();
    this.#items('}', () => {
      this.#token('space');
      const key = JSON.parse(this.#token('string') ?? this.#refuse('a key is missing'));
      if (members.has(key)) this.#refuse(`the key "${key}" is there twice`);
      if (form.kind === 'map') name(key, `a key of ${place}`);
      this.#token('space');
      this.#expect(':');
      const inner = form.kind === 'map' ? form.member : form.members && Object.hasOwn(form.members, key) ? form.members[key] : any;
      members.set(key, this.value(inner, `${place}/${key}`, depth + 1));
    });
    for (const key of Object.keys(form.members ?? {})) {
      if (!members.has(key) && !Object.hasOwn(form.optional, key)) throw new BundleError(`${place} has no "${key}"; make the bundle again.`);
    }
    const value = Object.fromEntries(members); // defines, so that a key `__proto__` is a key
    if (typeof form === 'function') form(value, place);
    return value;
  }

  #list(form, place, depth) {
    const items = [];
    this.#items(']', () => items.push(this.value(form.item ?? any, `${place}/${items.length}`, depth + 1)));
    if (items.length < (form.least ?? 0)) throw wrong(place, `a list of at least ${form.least}`);
    if (typeof form === 'function') form(items, place);
    return items;
  }

  #items(end, read) {
    this.#at += 1;
    this.#token('space');
    if (this.#text[this.#at] === end) {
      this.#at += 1;
      return;
    }
    for (;;) {
      read();
      this.#token('space');
      if (this.#text[this.#at] === end) break;
      this.#expect(',');
    }
    this.#at += 1;
  }

  #single(start) {
    const text = this.#token(start === '"' ? 'string' : /[-0-9]/.test(start ?? '') ? 'number' : 'word');
    if (text === null) this.#refuse('a value is missing or malformed');
    const value = JSON.parse(text);
    if (value === Infinity || value === -Infinity) this.#refuse(`${text} is too large`);
    return {value, text};
  }

  #token(kind) {
    const pattern = TOKEN[kind];
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found && found[0];
  }

  #expect(character) {
    if (this.#text[this.#at] !== character) this.#refuse(`'${character}' is missing`);
    this.#at += 1;
  }

  #refuse(reason) {
    throw new BundleError(`${this.#file} is not JSON: ${reason} at character ${this.#at}; make the bundle again.`);
  }
}
