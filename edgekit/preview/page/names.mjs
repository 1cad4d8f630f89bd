// What a saved picture is called and how it is written.

const PNG = {type: 'image/png', suffix: 'png'};
const JPEG = {type: 'image/jpeg', suffix: 'jpg', quality: 0.95}; // as `edgekit style` writes it
const LOSSLESS = new Set(['image/png', 'image/bmp']);
const MOST_STEM_CHARS = 100;

/** A photo that came without loss is saved without loss. type: the photo's media type. */
export function formatFor(type) {
  return LOSSLESS.has(type) ? PNG : JPEG;
}

/** holiday.heic → holiday-vibrant.jpg, with characters that every file system takes. */
export function savedName(name, suffix, ...parts) {
  const stem = name.replace(/\.[^.]*$/, '').slice(0, MOST_STEM_CHARS) || 'photo';
  return `${[stem, ...parts].join('-').replace(/[\\/:*?"<>|\p{C}]/gu, '-')}.${suffix}`;
}

/** The names, with a number where one was there before, whatever its case. */
export function distinctNames(names) {
  const taken = new Set();
  return names.map((name) => {
    let free = name;
    for (let n = 2; taken.has(free.toLowerCase()); n += 1) free = name.replace(/\.[^.]*$/, (suffix) => `-${n}${suffix}`);
    taken.add(free.toLowerCase());
    return free;
  });
}
