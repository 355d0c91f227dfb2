/** Elements made in few words. No markup from strings: what a film is called can never become an element. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {Element} element
 * @param {Record<string, any>} given attributes; `on` holds listeners, `text` the text; null and false are left out.
 */
export function set(element, given) {
  for (const [key, value] of Object.entries(given)) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (key === "text") {
      if (element.textContent !== String(value)) element.textContent = String(value);
    } else if (value === null || value === undefined || value === false) {
      element.removeAttribute(key);
    } else {
      const text = value === true ? "" : String(value);
      if (element.getAttribute(key) !== text) element.setAttribute(key, text);
    }
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [given]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  set(element, given);
  for (const child of children) if (child || child === "") element.append(child);
  return element;
}

/**
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [given]
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, given = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  set(element, given);
  element.append(...children);
  return /** @type {any} */ (element);
}

/** @param {string} id @returns {any} the element of an id that index.html has. */
export const byId = (id) => document.getElementById(id);

/** @param {Element} parent @param {...(Node | string | null | undefined | false)} children */
export function fill(parent, ...children) {
  parent.replaceChildren(.../** @type {any[]} */ (children.filter((child) => child)));
}

const PATHS = {
  check: "M3 8.5 6.5 12 13 4.5",
  diamond: "M8 2 14 8 8 14 2 8z",
  cross: "M3.5 3.5 12.5 12.5M12.5 3.5 3.5 12.5",
  flag: "M4 14V2.5H12.5L10 5.5 12.5 8.5H4",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 4.8V8.2L10.4 9.8",
  dash: "M4 8H12",
  moved: "M2.5 8H12M8.5 4 12.5 8 8.5 12",
  plus: "M8 3V13M3 8H13",
  place: "M8 2V6M8 10V14M2 8H6M10 8H14",
  hand: "M8 1.5V14.5M1.5 8H14.5M8 1.5 6 3.5M8 1.5 10 3.5M8 14.5 6 12.5M8 14.5 10 12.5M1.5 8 3.5 6M1.5 8 3.5 10M14.5 8 12.5 6M14.5 8 12.5 10",
  contrast: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 2V14M8 5H12.9M8 8H14M8 11H13",
  ruler: "M1.5 10.5 10.5 1.5 14.5 5.5 5.5 14.5zM4.5 7.5 6 9M7 5 8.5 6.5M9.5 2.5 11 4",
  undo: "M5.5 3 2.5 6 5.5 9M2.5 6H9.5A4 4 0 0 1 9.5 14H6",
  redo: "M10.5 3 13.5 6 10.5 9M13.5 6H6.5A4 4 0 0 0 6.5 14H10",
  list: "M2 4H14M2 8H14M2 12H14",
  chevron: "M4 6 8 10 12 6",
  warn: "M8 2 14.5 13.5H1.5zM8 6.5V9.5M8 11.4V12",
};

/** @param {keyof typeof PATHS} name @param {string} [kind] a class more. @returns a small drawing, silent to screen readers. */
export function icon(name, kind = "") {
  return svg(
    "svg",
    { class: `icon ${kind}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );
}
