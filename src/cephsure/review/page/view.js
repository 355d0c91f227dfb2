/** Where the film lies in its window: zoom at a place, pan, fit. Positions of a film have the first pixel's centre at (0, 0). */

const LARGEST = 40; // screen px a film px

export class View {
  constructor() {
    this.width = 1; // of the window, CSS px
    this.height = 1;
    this.filmWidth = 1;
    this.filmHeight = 1;
    this.scale = 1; // CSS px a film px along x
    this.ratio = 1; // a film px is so many times as high as wide
    this.x = 0; // of the film's upper left corner
    this.y = 0;
    this.fitted = true;
  }

  /** @param {number} width @param {number} height @param {number} ratio */
  setFilm(width, height, ratio) {
    this.filmWidth = width;
    this.filmHeight = height;
    this.ratio = ratio;
    this.fit();
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    const centre = this.toFilm(this.width / 2, this.height / 2);
    this.width = Math.max(width, 1);
    this.height = Math.max(height, 1);
    if (this.fitted) this.fit();
    else this.centreOn(centre[0], centre[1]);
  }

  get scaleY() {
    return this.scale * this.ratio;
  }

  get fitScale() {
    return Math.min(this.width / this.filmWidth, this.height / (this.filmHeight * this.ratio));
  }

  fit() {
    this.scale = this.fitScale;
    this.x = (this.width - this.filmWidth * this.scale) / 2;
    this.y = (this.height - this.filmHeight * this.scaleY) / 2;
    this.fitted = true;
  }

  /** @param {number} factor @param {number} atX @param {number} atY the place that stays, CSS px. */
  zoom(factor, atX, atY) {
    const scale = Math.min(Math.max(this.scale * factor, this.fitScale / 2), LARGEST);
    const by = scale / this.scale;
    this.x = atX - (atX - this.x) * by;
    this.y = atY - (atY - this.y) * by;
    this.scale = scale;
    this.keep();
  }

  /** @param {number} pixels one film px on one screen px: 1 / devicePixelRatio. */
  exact(pixels) {
    this.zoom(pixels / this.scale, this.width / 2, this.height / 2);
  }

  /** @param {number} dx @param {number} dy CSS px. */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.keep();
  }

  keep() {
    const margin = 80; // so much of the film stays in sight
    this.x = Math.min(Math.max(this.x, margin - this.filmWidth * this.scale), this.width - margin);
    this.y = Math.min(Math.max(this.y, margin - this.filmHeight * this.scaleY), this.height - margin);
    this.fitted = false;
  }

  /** @param {number} x @param {number} y film px. */
  centreOn(x, y) {
    const [atX, atY] = this.toScreen(x, y);
    this.pan(this.width / 2 - atX, this.height / 2 - atY);
  }

  /** @param {number} x @param {number} y film px. @returns {boolean} whether it is well inside the window. */
  sees(x, y) {
    const [atX, atY] = this.toScreen(x, y);
    return atX > 24 && atY > 24 && atX < this.width - 24 && atY < this.height - 24;
  }

  /** @param {number} x @param {number} y film px. @returns {[number, number]} CSS px. */
  toScreen(x, y) {
    return [this.x + (x + 0.5) * this.scale, this.y + (y + 0.5) * this.scaleY];
  }

  /** @param {number} x @param {number} y CSS px. @returns {[number, number]} film px. */
  toFilm(x, y) {
    return [(x - this.x) / this.scale - 0.5, (y - this.y) / this.scaleY - 0.5];
  }

  /** The same as an SVG transform of film px. */
  get transform() {
    const x = this.x + 0.5 * this.scale;
    const y = this.y + 0.5 * this.scaleY;
    return `matrix(${this.scale} 0 0 ${this.scaleY} ${x} ${y})`;
  }
}
