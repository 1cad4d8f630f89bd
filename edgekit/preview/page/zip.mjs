// A zip of files that are compressed already: stored, as APPNOTE.TXT 4.3 describes it.

const MOST_BYTES = 0xffffffff; // without ZIP64
const UTF8_NAMES = 1 << 11;
const VERSION = 20;
const CRC_TABLE = Uint32Array.from({length: 256}, (_, n) => {
  let c = n;
  for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

export class Zip {
  #parts = [];
  #entries = [];
  #bytes = 0;

  /** `blob` under `name`, at the time `date`. Rejects above 4 GB in all. */
  async add(name, blob, date = new Date()) {
    const text = new TextEncoder().encode(name);
    const crc = crc32(new Uint8Array(await blob.arrayBuffer()));
    const fields = [...[UTF8_NAMES, 0, ...dosTime(date)].map(u16), ...[crc, blob.size, blob.size].map(u32), u16(text.length), u16(0)];
    const parts = [u32(0x04034b50), u16(VERSION), ...fields, text, blob];
    const place = [u16(0), u16(0), u16(0), u32(0), u32(this.#bytes)];
    this.#entries.push([u32(0x02014b50), u16(VERSION), u16(VERSION), ...fields, ...place, text]);
    this.#bytes += sizeOf(parts);
    if (this.#bytes > MOST_BYTES) throw new Error('The photos make more than 4 GB together; remove some of them.');
    this.#parts.push(...parts);
  }

  blob() {
    const directory = this.#entries.flat(), count = u16(this.#entries.length);
    const end = [u32(0x06054b50), u16(0), u16(0), count, count, u32(sizeOf(directory)), u32(this.#bytes), u16(0)];
    return new Blob([...this.#parts, ...directory, ...end], {type: 'application/zip'});
  }
}

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** [time, date], in steps of two seconds and from 1980 on. */
function dosTime(date) {
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  return [time, ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate()];
}

function u16(value) {
  return Uint8Array.of(value & 255, value >> 8);
}

function u32(value) {
  return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

function sizeOf(parts) {
  return parts.reduce((sum, part) => sum + (part.size ?? part.length), 0);
}
