/** The page's start: texts, project, queue, first film; then the long watch for what others and the model do. */

import { ApiError, get } from "./api.js";
import { showBar } from "./bar.js";
import { on, tell } from "./bus.js";
import { showCard } from "./card.js";
import { Compare } from "./compare.js";
import { watchConflicts } from "./conflict.js";
import { byId, el, fill, set } from "./dom.js";
import { showFinish } from "./finish.js";
import { Hand } from "./hand.js";
import { listenForHelp } from "./help.js";
import { listenToKeys } from "./keys.js";
import { Learning } from "./learning.js";
import { Measures } from "./measures.js";
import { askProfile } from "./profile.js";
import { Queue } from "./queue.js";
import { showRuler } from "./ruler.js";
import { showSaved } from "./saved.js";
import { Stage } from "./stage.js";
import { openFilm, refreshFilm, state } from "./state.js";
import { currentLanguage, languages, loadTexts, onLanguage, setLanguage, t } from "./texts.js";
import { onLevel, showTools } from "./tools.js";

const VIEWS = ["review", "learning", "compare"];
const PAUSE_S = 3; // after a question that was not answered

async function start() {
  await loadTexts();
  onLanguage(() => tell("language"));
  const stage = new Stage();
  const hand = new Hand(stage);
  const queue = new Queue();
  const measures = new Measures();
  const open = (/** @type {{film_id: number} | undefined} */ film) => film && void openFilm(film.film_id).then(() => byId("stage").focus());
  const go = { next: () => open(queue.neighbour(1)), previous: () => open(queue.neighbour(-1)) };
  showTools(stage, hand);
  onLevel(() => stage.redraw("overlay"));
  showBar(stage, queue, hand, go);
  showCard(hand);
  showRuler(stage, hand);
  showSaved();
  watchConflicts();
  listenForHelp();
  listenToKeys(stage, hand, { ...go, finish: showFinish(queue) });
  const learning = new Learning();
  showViews(learning, new Compare(queue));
  showTop();
  on("say", (text) => set(byId("said"), { text }));
  on("select", sayPoint);
  /** @type {any} */ (window).cephsure = { stage, state, measures }; // for tests and for curious people
  await begin(queue, measures);
  void learning.load(); // whether it has something to offer
}

/** @param {Queue} queue @param {Measures} measures */
async function begin(queue, measures) {
  const first = Number(new URLSearchParams(location.hash.slice(1)).get("film"));
  const listed = queue.load(true);
  state.project = await project();
  state.level = String(state.project.level);
  measures.start(state.project);
  showProject();
  await listed;
  const film = queue.films.find((one) => one.film_id === first) ?? queue.nextOpen() ?? queue.films.find((one) => one.state !== "unread") ?? queue.films[0];
  if (film) await openFilm(film.film_id);
  on("film", () => history.replaceState(null, "", `#film=${state.film.film_id}`));
  byId("stage").focus({ preventScroll: true });
  askAtFirst();
  void watch(queue);
}

/** How one marks is asked once, as soon as there is a film to ask it on and no other question stands open. */
function askAtFirst() {
  let due = Boolean(state.project.profile?.needed);
  const ask = async () => {
    if (!due || state.held || byId("dialogs").childElementCount) return;
    due = false;
    due = !(await askProfile());
  };
  on("news", () => void ask());
  void ask();
}

/** Ask for the project until there is an answer; what hinders it is said. */
async function project() {
  for (;;) {
    try {
      const answer = await get("/project");
      byId("nothing").hidden = true;
      return answer;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const text = error.locked ? t("start.locked") : error.status === 0 ? t("film.offline") : error.message;
      fill(byId("nothing"), el("p", { text }));
      byId("nothing").hidden = false;
      await pause();
    }
  }
}

const pause = () => new Promise((done) => setTimeout(done, 1000 * PAUSE_S));

/** @param {Queue} queue */
async function watch(queue) {
  let after = Math.min(state.project.last_event, queue.last ?? Infinity); // whichever was answered first
  for (;;) {
    try {
      const news = await get(`/events?after=${after}&wait_s=20`, { wait_s: 40 });
      if (news.last !== after) {
        after = news.last;
        tell("changed", news.films);
        await queue.load(false);
        if (news.films.includes(state.film?.film_id)) await refreshFilm();
        if (!state.film && queue.films[0]) await openFilm(queue.films[0].film_id);
        tell("news", news);
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      await pause();
    }
  }
}

/** @param {Learning} learning @param {Compare} compare */
function showViews(learning, compare) {
  const buttons = VIEWS.map((name) => el("button", { type: "button", class: "view", on: { click: () => change(name) } }));
  const dots = buttons.map(() => el("span", { class: "dot", hidden: true }));
  const draw = () => buttons.forEach((button, at) => {
    fill(button, t(`view.${VIEWS[at]}`), dots[at]);
    set(button, { "aria-current": document.body.dataset.view === VIEWS[at] ? "page" : null });
  });
  /** @param {string} name */
  const change = (name) => {
    tell("flush");
    document.body.dataset.view = name;
    for (const view of VIEWS) byId(view).hidden = view !== name;
    if (name === "learning") void learning.open();
    if (name === "compare") void compare.open();
    if (name === "review") tell("view");
    scrollTo(0, 0);
    draw();
  };
  fill(byId("views"), ...buttons);
  on("language", draw);
  on("change-view", change);
  on("offer", (there) => { dots[1].hidden = !there; });
  draw();
}

function showTop() {
  const language = /** @type {HTMLSelectElement} */ (byId("language"));
  fill(language, ...languages.map((name) => el("option", { value: name, text: name.toUpperCase() })));
  language.value = currentLanguage();
  language.addEventListener("change", () => void setLanguage(language.value));
  byId("help-button").addEventListener("click", () => tell("help"));
  on("language film", showProject);
}

function showProject() {
  const { project: known, film } = state;
  if (!known) return;
  set(byId("project-name"), { text: known.name, title: t("project.model", { model: known.model.name, whom: known.reader.for_whom }) });
  set(byId("who"), { text: known.who, title: t("project.who") });
  set(byId("notice"), { text: t("notice") });
  set(byId("credit"), { text: film?.credit ? t("film.credit", { credit: film.credit }) : "" });
}

function sayPoint() {
  const mark = state.project?.landmarks.find((/** @type {any} */ one) => one.number === state.selected);
  if (mark) tell("say", document.querySelector(".chip[aria-pressed=true]")?.getAttribute("aria-label") ?? mark.name);
}

void start();
