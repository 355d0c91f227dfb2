/** Dialogs: one at a time, closed by Escape, focus given back. */

import { byId, el } from "./dom.js";

/**
 * @param {string} title
 * @param {(close: () => void) => (Node | string | null | false)[]} content
 * @param {{kind?: string, onClose?: () => void}} [options]
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, content, { kind = "", onClose } = {}) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const name = `dialog-${Date.now()}`;
  const dialog = el("dialog", { class: kind, "aria-labelledby": name });
  const close = () => dialog.close();
  dialog.append(el("h2", { id: name, text: title }));
  for (const part of content(close)) if (part) dialog.append(part);
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose?.();
    before?.focus?.({ preventScroll: true });
  });
  byId("dialogs").append(dialog);
  dialog.showModal();
  return dialog;
}
