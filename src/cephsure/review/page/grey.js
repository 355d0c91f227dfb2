/** A film's grey values: smaller copies of them (mip levels), windows, sharpening, and pixels as they are shown. */

/** @typedef {{width: number, height: number, grey: Uint8Array | Uint16Array}} Level */
/** @typedef {{low: number, high: number, invert: boolean}} Window */

const WHOLE_LEVEL_PX = 1_600_000; // a level up to this size is kept as it is shown

export class GreyFilm {
  /** @param {Level} pixels */
  constructor(pixels) {
    this.width = pixels.width;
    this.height = pixels.height;
    /** @type {Level[]} */ this.levels = [pixels];
    while (Math.min(last(this.levels).width, last(this.levels).height) > 128) {
      this.levels.push(halved(last(this.levels)));
    }
    /** @type {Map<number, Level>} */ this.sharp = new Map();
    this.depth = pixels.grey instanceof Uint16Array ? 65536 : 256;
    this.shares = cumulated(this.levels[Math.min(2, this.levels.length - 1)], this.depth);
    this.lowest = this.atShare(0);
    this.highest = Math.max(this.lowest + 1, this.atShare(1));
  }

  /** @param {number} share @returns {number} the grey value below which a share of the film lies. */
  atShare(share) {
    const total = this.shares[this.depth - 1];
    let low = 0;
    let high = this.depth - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shares[middle] > 0 && this.shares[middle] >= share * total) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** @param {string} preset @returns {{low: number, high: number}} */
  preset(preset) {
    const shares = { auto: [0.01, 0.995], bone: [0.45, 0.999], soft: [0.03, 0.62], full: [0, 1] }[preset] ?? [0, 1];
    const low = this.atShare(shares[0]);
    return { low, high: Math.max(low + 1, this.atShare(shares[1])) };
  }

  /** @param {number} scale screen px a film px. @returns {number} the level with about one px a screen px. */
  levelFor(scale) {
    const level = Math.floor(Math.log2(1 / Math.max(scale, 1e-6)) + 0.4);
    return Math.min(Math.max(level, 0), this.levels.length - 1);
  }

  /** @param {number} index @param {boolean} sharpen @returns {Level} */
  level(index, sharpen) {
    if (!sharpen) return this.levels[index];
    const kept = this.sharp.get(index) ?? sharpened(this.levels[index], this.depth - 1);
    this.sharp.set(index, kept);
    return kept;
  }
}

/** Draws one film through a window; keeps what it drew last, so that panning and zooming cost little. */
export class FilmPainter {
  /** @param {GreyFilm} film */
  constructor(film) {
    this.film = film;
    this.canvas = document.createElement("canvas");
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.table = new Uint32Array(film.depth);
    this.tableOf = "";
    this.shown = "";
    /** @type {ImageData | null} */ this.buffer = null;
  }

  /** @param {Window} window */
  useWindow(window) {
    const name = `${window.low} ${window.high} ${window.invert}`;
    if (name === this.tableOf) return;
    this.tableOf = name;
    const { table } = this;
    const slope = 255 / Math.max(window.high - window.low, 1e-6);
    for (let grey = 0; grey < table.length; grey += 1) {
      let shown = (grey - window.low) * slope;
      shown = shown < 0 ? 0 : shown > 255 ? 255 : shown + 0.5;
      const value = window.invert ? 255 - (shown | 0) : shown | 0;
      table[grey] = 0xff000000 | (value << 16) | (value << 8) | value;
    }
  }

  /**
   * Draw what the view shows of the film.
   * @param {CanvasRenderingContext2D} onto
   * @param {{x: number, y: number, scaleX: number, scaleY: number}} view film px to canvas px: the film's corner and its scales.
   * @param {{sharpen: boolean, smooth: boolean}} look
   */
  draw(onto, view, look) {
    const { film } = this;
    const index = film.levelFor(Math.max(view.scaleX, view.scaleY));
    const level = film.level(index, look.sharpen);
    const perX = (view.scaleX * film.width) / level.width;
    const perY = (view.scaleY * film.height) / level.height;
    let box = [0, 0, level.width, level.height];
    if (level.width * level.height > WHOLE_LEVEL_PX) {
      box = [
        Math.max(0, Math.floor(-view.x / perX) - 1),
        Math.max(0, Math.floor(-view.y / perY) - 1),
        Math.min(level.width, Math.ceil((onto.canvas.width - view.x) / perX) + 1),
        Math.min(level.height, Math.ceil((onto.canvas.height - view.y) / perY) + 1),
      ];
    }
    const width = box[2] - box[0];
    const height = box[3] - box[1];
    if (width <= 0 || height <= 0) return;
    const name = `${index} ${look.sharpen} ${box} ${this.tableOf}`;
    if (name !== this.shown) {
      this.paint(level, box);
      this.shown = name;
    }
    onto.imageSmoothingEnabled = look.smooth;
    const [x, y] = [view.x + box[0] * perX, view.y + box[1] * perY];
    onto.drawImage(this.canvas, 0, 0, width, height, x, y, width * perX, height * perY);
  }

  /** @param {Level} level @param {number[]} box */
  paint(level, box) {
    const width = box[2] - box[0];
    const height = box[3] - box[1];
    if (this.buffer?.width !== width || this.buffer.height !== height) {
      this.buffer = new ImageData(width, height);
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const { table, buffer } = this;
    const out = new Uint32Array(buffer.data.buffer);
    const { grey } = level;
    for (let row = 0; row < height; row += 1) {
      let from = (box[1] + row) * level.width + box[0];
      const end = from + width;
      for (let to = row * width; from < end; from += 1, to += 1) out[to] = table[grey[from]];
    }
    this.context.putImageData(buffer, 0, 0);
  }
}

/** @template T @param {T[]} list @returns {T} */
const last = (list) => list[list.length - 1];

/** @param {Level} level @returns {Level} each px the mean of four. */
function halved({ width, height, grey }) {
  const half = { width: width >> 1, height: height >> 1 };
  const out = grey instanceof Uint16Array ? new Uint16Array(half.width * half.height) : new Uint8Array(half.width * half.height);
  for (let y = 0, to = 0; y < half.height; y += 1) {
    let from = 2 * y * width;
    for (let x = 0; x < half.width; x += 1, from += 2, to += 1) {
      out[to] = (grey[from] + grey[from + 1] + grey[from + width] + grey[from + width + 1] + 2) >> 2;
    }
  }
  return { ...half, grey: out };
}

/** @param {Level} level @param {number} depth @returns {Uint32Array} how many px are as dark or darker. */
function cumulated(level, depth) {
  const counts = new Uint32Array(depth);
  for (const value of level.grey) counts[value] += 1;
  for (let value = 1; value < depth; value += 1) counts[value] += counts[value - 1];
  return counts;
}

/** @param {Level} level @param {number} highest @returns {Level} unsharp mask: what the mean of 3 x 3 px lacks, added. */
function sharpened({ width, height, grey }, highest) {
  const out = grey.slice();
  const sums = new Float32Array(width);
  for (let y = 1; y < height - 1; y += 1) {
    const row = y * width;
    for (let x = 0; x < width; x += 1) sums[x] = grey[row - width + x] + grey[row + x] + grey[row + width + x];
    for (let x = 1; x < width - 1; x += 1) {
      const mean = (sums[x - 1] + sums[x] + sums[x + 1]) / 9;
      const value = grey[row + x] + 1.6 * (grey[row + x] - mean);
      out[row + x] = value < 0 ? 0 : value > highest ? highest : value;
    }
  }
  return { width, height, grey: out };
}
