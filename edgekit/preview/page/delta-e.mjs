// CIEDE2000 (Sharma, Wu and Dalal 2005, equations 2 to 22), as the apps have it.

const RADIANS = Math.PI / 180;
const LINEAR = Float64Array.from({length: 256}, (_, level) => {
  const c = level / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; // IEC 61966-2-1
});

/** CIE Lab (D65) of encoded sRGB levels, [L, a, b]. */
export function labOf(red, green, blue) {
  const r = LINEAR[red], g = LINEAR[green], b = LINEAR[blue];
  const x = cube((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = cube(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
  const z = cube((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** The difference of two colours, each [L, a, b]. */
export function deltaE00([l1, a1, b1], [l2, a2, b2]) {
  const g = (1 - share((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2)) / 2;
  const c1 = Math.hypot(a1 * (1 + g), b1), c2 = Math.hypot(a2 * (1 + g), b2);
  const h1 = hue(a1 * (1 + g), b1), h2 = hue(a2 * (1 + g), b2);
  const isGrey = c1 * c2 === 0;
  let apart = isGrey ? 0 : h2 - h1;
  if (apart > 180) apart -= 360;
  else if (apart < -180) apart += 360;
  const l = (l1 + l2) / 2, c = (c1 + c2) / 2;
  let h = h1 + h2;
  if (!isGrey) h = Math.abs(h1 - h2) <= 180 ? h / 2 : (h < 360 ? h + 360 : h - 360) / 2;
  const t = 1 - 0.17 * cosine(h - 30) + 0.24 * cosine(2 * h) + 0.32 * cosine(3 * h + 6) - 0.2 * cosine(4 * h - 63);
  const dl = (l2 - l1) / (1 + 0.015 * (l - 50) ** 2 / Math.sqrt(20 + (l - 50) ** 2));
  const dc = (c2 - c1) / (1 + 0.045 * c);
  const dh = 2 * Math.sqrt(c1 * c2) * Math.sin(apart / 2 * RADIANS) / (1 + 0.015 * c * t);
  const turn = -2 * share(c) * Math.sin(60 * Math.exp(-(((h - 275) / 25) ** 2)) * RADIANS);
  return Math.sqrt(dl * dl + dc * dc + dh * dh + turn * dc * dh);
}

/** The 95th percentile over the pixels of two RGBA pictures of one size, interpolated as numpy does. */
export function deltaE00P95(one, two) {
  if (one.length !== two.length) throw new Error(`Pictures of ${one.length} and ${two.length} bytes cannot be compared.`);
  const differences = Float64Array.from({length: one.length / 4}, (_, i) => {
    const at = 4 * i;
    return deltaE00(labOf(one[at], one[at + 1], one[at + 2]), labOf(two[at], two[at + 1], two[at + 2]));
  }).sort();
  const place = 0.95 * (differences.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, differences.length - 1);
  return differences[below] + (place - below) * (differences[above] - differences[below]);
}

function cube(t) {
  return t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116;
}

function share(chroma) {
  return Math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7));
}

function hue(a, b) {
  return (Math.atan2(b, a) / RADIANS + 360) % 360;
}

function cosine(degrees) {
  return Math.cos(degrees * RADIANS);
}
