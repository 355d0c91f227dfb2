/** Questions to the server. A failure is an `ApiError` that says whether trying again can help. */

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status of the answer; 0 where there was none.
   * @param {any} [body]
   */
  constructor(message, status, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }

  /** Whether the same request may succeed later: no answer, or the server's own trouble. */
  get passing() {
    return this.status === 0 || this.status >= 500 || this.status === 408 || this.status === 429;
  }

  /** Whether the server no longer knows this browser (another start of the program). */
  get locked() {
    return this.status === 401 || this.status === 403;
  }
}

/** @param {string} path @param {RequestInit & {wait_s?: number}} [options] */
async function ask(path, options = {}) {
  const stop = AbortSignal.timeout(1000 * (options.wait_s ?? 20));
  const signal = options.signal ? AbortSignal.any([stop, options.signal]) : stop;
  let answer;
  try {
    answer = await fetch(`/v1${path}`, { ...options, signal, credentials: "same-origin" });
  } catch (error) {
    throw new ApiError(String(error), 0);
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => ({}));
  throw new ApiError(body.error ?? `${answer.status}`, answer.status, body);
}

/** @param {string} path @param {RequestInit & {wait_s?: number}} [options] @returns {Promise<any>} */
export const get = async (path, options) => (await ask(path, options)).json();

/** @param {string} path @param {object} body @param {RequestInit & {wait_s?: number}} [options] @returns {Promise<any>} */
export async function post(path, body, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(path, { ...options, method: "POST", headers, body: JSON.stringify(body) })).json();
}

/**
 * @param {number} filmId
 * @param {AbortSignal} [signal]
 * @returns {Promise<{width: number, height: number, grey: Uint8Array | Uint16Array}>}
 */
export async function getPixels(filmId, signal) {
  const answer = await ask(`/films/${filmId}/pixels`, { signal, wait_s: 120 });
  const bytes = await answer.arrayBuffer().catch((error) => {
    throw new ApiError(String(error), 0);
  });
  const width = Number(answer.headers.get("X-Cephsure-Width"));
  const height = Number(answer.headers.get("X-Cephsure-Height"));
  const deep = Number(answer.headers.get("X-Cephsure-Bits")) > 8;
  return { width, height, grey: deep ? new Uint16Array(bytes) : new Uint8Array(bytes) };
}

/** @param {string} path @param {RequestInit & {wait_s?: number}} [options] @returns {Promise<{blob: Blob, name: string}>} a file, called as the server says. */
export async function getFile(path, options) {
  const answer = await ask(path, options);
  const blob = await answer.blob().catch((error) => {
    throw new ApiError(String(error), 0);
  });
  const said = answer.headers.get("Content-Disposition") ?? "";
  return { blob, name: decodeURIComponent(said.split("filename*=UTF-8''")[1] ?? "report") };
}

/** @returns {string} a name that no other request has. */
export function requestId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
