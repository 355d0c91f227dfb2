"""A stand-in for the review server: the same addresses and shapes, in memory, made to fail at will."""

from __future__ import annotations

import base64
import io
import json
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
from PIL import Image

from cephsure import films, load_model
from cephsure.cephalometry import analyse, load_analyses, shipped_analyses
from cephsure.landmarks import load_landmark_set
from cephsure.sample_films import sample_film

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cephsure.uncertainty import Prediction

PAGE = Path(str(resources.files("cephsure"))) / "review" / "page"
TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SIZES = {"0.5": 0.55, "0.8": 0.84, "0.9": 1.0, "0.95": 1.14}
"""Levels, and how large an ellipse of the level is beside that of 0.9."""


@dataclass
class FakeFilm:
    """One film of the stand-in and all that was decided on it."""

    film_id: int
    name: str
    pixels: NDArray[Any]  # (H, W) uint8 or uint16
    prediction: Prediction | None = None
    unread: str | None = None
    credit: str | None = None
    state: str | None = None  # reviewed or referred
    mm_per_px: float | None = None
    scale_warning: str | None = None
    thumbnail: bytes | None = None
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    done: list[tuple[int, dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    undone: list[tuple[int, dict[str, Any], dict[str, Any]]] = field(default_factory=list)

    @property
    def shown_state(self) -> str:
        """As the queue has it."""
        return self.state or ("unread" if self.unread else "predicted" if self.prediction else "waiting")


class Refused(Exception):  # noqa: N818
    """An answer that is no success."""

    def __init__(self, status: int, **body: Any) -> None:
        self.status, self.body = status, body
        super().__init__(status)


class FakeProject:
    """What the stand-in keeps. `fail` holds statuses with which the next writes are answered."""

    def __init__(self, shown: list[FakeFilm]) -> None:
        self.films = {film.film_id: film for film in shown}
        self.lock = threading.RLock()
        self.fail: list[int] = []
        self.down = False
        self.slow_s = 0.0
        self.lose_answer = False
        self.event = 0
        self.changed: list[tuple[int, int]] = []
        self.answered: dict[str, Any] = {}
        self.profile_needed = False
        self.profile_answers: dict[str, str] = {}
        self.loop: dict[str, Any] = empty_loop()
        self.requests: list[str] = []
        self.asked: list[str] = []
        self.is_profile_ready = True

    # -- reading ---------------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        states = [film.shown_state for film in self.films.values()]
        named = ("waiting", "predicted", "unread", "reviewed", "referred")
        return {"films": len(states), **{name: states.count(name) for name in named}}

    def project(self) -> dict[str, Any]:
        landmark_set = load_landmark_set()
        return {
            "name": "Sample project",
            "model": {"name": "default-baseline", "kind": "baseline"},
            "reader": {"name": "definition", "for_whom": "a reader not met before"},
            "who": "Dr Sample",
            "landmarks": [
                {
                    "number": mark.number,
                    "code": mark.code,
                    "name": mark.name,
                    "definition": mark.definition,
                    "tissue": mark.tissue,
                }
                for mark in landmark_set.landmarks
            ],
            "analyses": [{"name": key, "title": one.title} for key, one in shipped_analyses().items()],
            "analysis": "isbi",
            "level": 0.9,
            "counts": self.counts(),
            "notice": "Research use only. Not a medical device.",
            "version": "0",
            "last_event": self.event,
            "profile": {"needed": self.profile_needed},
        }

    def queue(self, asked: dict[str, str]) -> dict[str, Any]:
        order = {"unfit": 0, "review": 1, "fit": 2, None: 3}
        rows = [self._row(film) for film in self.films.values()]
        rows.sort(key=lambda row: (order[row["verdict"]], -(row["doubt"] or 0)))
        if asked.get("verdict"):
            rows = [row for row in rows if row["verdict"] == asked["verdict"]]
        if asked.get("state") == "open":
            rows = [row for row in rows if row["state"] not in ("reviewed", "referred")]
        elif asked.get("state"):
            rows = [row for row in rows if row["state"] == asked["state"]]
        if asked.get("reason"):
            rows = [row for row in rows if asked["reason"] in (row["why"] or "")]
        if asked.get("text"):
            rows = [row for row in rows if asked["text"].lower() in row["name"].lower()]
        return {"films": rows, "counts": self.counts(), "last": self.event}

    def _row(self, film: FakeFilm) -> dict[str, Any]:
        states = [row["state"] for row in film.rows.values()]
        found = film.prediction
        return {
            "film_id": film.film_id,
            "name": film.name,
            "verdict": found.verdict if found else None,
            "why": film.unread or (found.why if found else None),
            "doubt": max(mark.expected_error_mm or 9.0 for mark in found.landmarks) if found else None,
            "state": film.shown_state,
            "points": {
                key: states.count(key) for key in ("accepted", "edited", "placed", "missing", "referred")
            },
            "width_px": film.pixels.shape[1],
            "height_px": film.pixels.shape[0],
        }

    def film(self, film: FakeFilm) -> dict[str, Any]:
        ids = [row["film_id"] for row in self.queue({})["films"]]
        place = ids.index(film.film_id)
        document = film.prediction.model_dump(mode="json") if film.prediction else None
        return {
            **self._row(film),
            "path": f"films/{film.name}",
            "sha256": "00",
            "unread": film.unread,
            "credit": film.credit,
            "scale": {
                "mm_per_px": [film.mm_per_px] * 2 if film.mm_per_px else None,
                "source": "user" if film.mm_per_px else "none",
                "warning": film.scale_warning,
            },
            "prediction": document,
            "prediction_id": id(film.prediction),
            "regions": {level: self._regions(document, size) for level, size in _SIZES.items()},
            "heatmaps": True,
            "points": self._points(film),
            "can_undo": bool(film.done),
            "can_redo": bool(film.undone),
            "previous": ids[place - 1] if place else None,
            "next": ids[place + 1] if place + 1 < len(ids) else None,
        }

    def _regions(self, document: dict[str, Any] | None, size: float) -> dict[str, Any]:
        regions = {}
        for mark in document["landmarks"] if document else ():
            region = mark["region"]
            if region:
                axes = [[size * part for part in axis] for axis in region["half_axes_px"] or ()]
                regions[str(mark["number"])] = {**region, "half_axes_px": axes}
        return regions

    @staticmethod
    def _points(film: FakeFilm) -> list[dict[str, Any]]:
        return [row for _, row in sorted(film.rows.items())]

    def measure(self, film: FakeFilm, asked: dict[str, Any]) -> dict[str, Any]:
        if film.prediction is None:
            raise Refused(409, error="the film has no prediction yet")
        marks = []
        for mark in film.prediction.landmarks:
            at = asked["points"].get(str(mark.number), (mark.x_px, mark.y_px))
            if at is not None:
                marks.append(mark.model_copy(update={"x_px": at[0], "y_px": at[1]}))
        moved = film.prediction.model_copy(update={"landmarks": tuple(marks)})
        found = analyse(moved, load_analyses(asked["analysis"]), draws=200)
        rows = [{**row, "deviation": deviation(row)} for row in found.document()["measurements"]]
        return {"measurements": rows}

    # -- writing ---------------------------------------------------------------------------------------

    def write(self, film: FakeFilm, what: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.fail:
            raise Refused(self.fail.pop(0), error="made to fail", remedy=None)
        if body["request_id"] in self.answered:
            return self.answered[body["request_id"]]
        answer = getattr(self, f"_{what}")(film, body)
        self.answered[body["request_id"]] = answer
        self.event += 1
        self.changed.append((self.event, film.film_id))
        return answer

    def _edits(self, film: FakeFilm, body: dict[str, Any]) -> dict[str, Any]:
        blank = {"state": "predicted", "x_px": None, "y_px": None, "revision": 0}
        for edit in body["edits"]:
            row = film.rows.get(edit["number"], blank)
            if row["revision"] != edit["base_revision"]:
                raise Refused(409, error="somebody else changed this point", current=self._points(film))
        words = {"accept": "accepted", "edit": "edited", "place": "placed", "missing": "missing"}
        for edit in body["edits"]:
            number, action = edit["number"], edit["action"]
            before = film.rows.get(number, {**blank, "number": number})
            state = {**words, "refer": "referred", "reset": "predicted"}[action]
            row = {"number": number, "state": state, "x_px": edit.get("x_px"), "y_px": edit.get("y_px")}
            row |= {
                "revision": before["revision"] + 1,
                **self._now(),
                "who": body.get("who", "Dr Sample"),
                "at": "2026-01-01",
            }
            film.rows[number] = row
            film.done.append((number, before, row))
        film.undone.clear()
        return self._written(film)

    def _undo(self, film: FakeFilm, _body: dict[str, Any]) -> dict[str, Any]:
        if not film.done:
            raise Refused(409, error="there is nothing to undo", current=self._points(film))
        number, before, after = film.done.pop()
        film.undone.append((number, before, after))
        film.rows[number] = {**before, "revision": film.rows[number]["revision"] + 1, **self._now()}
        return self._written(film)

    def _redo(self, film: FakeFilm, _body: dict[str, Any]) -> dict[str, Any]:
        if not film.undone:
            raise Refused(409, error="there is nothing to redo", current=self._points(film))
        number, before, after = film.undone.pop()
        film.done.append((number, before, after))
        film.rows[number] = {**after, "revision": film.rows[number]["revision"] + 1, **self._now()}
        return self._written(film)

    def _state(self, film: FakeFilm, body: dict[str, Any]) -> dict[str, Any]:
        film.state = None if body["state"] == "reopened" else body["state"]
        return {"state": film.shown_state, "next": self.film(film)["next"]}

    def _scale(self, film: FakeFilm, body: dict[str, Any]) -> dict[str, Any]:
        away = np.hypot(*np.subtract(body["to"], body["from"]))
        film.mm_per_px = body["length_mm"] / float(away)
        if film.prediction is not None:
            path = sample_film("vhm_lateral_0deg").path
            film.prediction = load_model("default-baseline").predict(path, mm_per_px=film.mm_per_px)
            evidence = [piece.reason for piece in film.prediction.evidence if piece.sign == "size"]
            film.scale_warning = evidence[0] if evidence else None
        return {"scale": self.film(film)["scale"], "predicting": False}

    def _now(self) -> dict[str, int]:
        """The event by which a row that is being written stands."""
        return {"event_id": self.event + 1}

    def _written(self, film: FakeFilm) -> dict[str, Any]:
        return {
            "points": self._points(film),
            "state": film.shown_state,
            "can_undo": bool(film.done),
            "can_redo": bool(film.undone),
            "event_ids": [self.event + 1],
        }


def deviation(row: dict[str, Any]) -> float | None:
    """How many standard deviations of the first norm that has one a value lies from its mean."""
    for norm in row["norms"]:
        if row["value"] is not None and norm["mean"] is not None and norm["sd"]:
            away: float = (row["value"] - norm["mean"]) / norm["sd"]
            return away
    return None


def empty_loop() -> dict[str, Any]:
    """What the loop says before anything was corrected."""
    return {
        "corrected": 0,
        "reviewed": 0,
        "offers": [1, 5, 10, 20],
        "offer": None,
        "job": None,
        "result": None,
        "applied": None,
        "monitor": None,
        "next": [],
    }


def made_films() -> list[FakeFilm]:
    """The sample films: straight, turned, large with 16 bits, without a scale; one unread, one waiting."""
    model, shown = load_model("default-baseline"), []
    for name in ("vhm_lateral_0deg", "vhm_lateral_30deg"):
        sample = sample_film(name)
        film = films.read(sample.path, mm_per_px=sample.mm_per_px)
        pixels = np.asarray(Image.open(sample.path).convert("L"))
        found = model.predict(film)
        shown.append(FakeFilm(len(shown) + 1, sample.path.name, pixels, found, credit=sample.credit))
        shown[-1].mm_per_px = sample.mm_per_px
    shown[0].scale_warning = next(
        (piece.reason for piece in shown[0].prediction.evidence if piece.sign == "size"), None
    )
    straight = sample_film("vhm_lateral_0deg")
    large = Image.open(straight.path).convert("L").resize((1935, 2035), Image.Resampling.BICUBIC)
    canvas = np.zeros((2400, 1935), np.uint16)
    canvas[180 : 180 + 2035] = np.asarray(large).astype(np.uint16) * 16
    found = model.predict((canvas >> 4).astype(np.uint8))
    shown.append(FakeFilm(3, "large_16_bit.dcm", canvas, found, credit=straight.credit))
    shown.append(
        FakeFilm(4, "no_scale.png", shown[0].pixels, model.predict(straight.path), credit=straight.credit)
    )
    shown.append(
        FakeFilm(5, "notes.png", np.zeros((8, 8), np.uint8), unread="is no picture that can be read")
    )
    shown.append(FakeFilm(6, "arrived_last.png", shown[1].pixels[:, ::-1].copy()))
    return shown


class Handler(BaseHTTPRequestHandler):
    """Answers for one `FakeProject`, which the server carries."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""

    @property
    def project(self) -> FakeProject:
        return self.server.project  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(lambda path, _asked: self._post(path, body))

    def _answer(self, work: Any) -> None:
        asked = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        if self.project.down and asked.path.startswith("/v1"):
            self.close_connection = True
            self.connection.close()
            return
        try:
            status, kind, data, more = work(asked.path, query)
        except Refused as refusal:
            status, kind, data, more = (
                refusal.status,
                "application/json",
                json.dumps(refusal.body).encode(),
                {},
            )
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        kept = self.server.kept_s if asked.path.startswith("/page") else 0  # type: ignore[attr-defined]
        self.send_header("Cache-Control", f"max-age={kept}" if kept else "no-cache")
        self.send_header("Content-Security-Policy", CSP)
        for key, value in more.items():
            self.send_header(key, value)
        self.end_headers()
        with suppress(ConnectionError):  # a page that has moved on does not wait
            self.wfile.write(data)

    @staticmethod
    def _json(body: Any) -> tuple[int, str, bytes, dict[str, str]]:
        return 200, "application/json", json.dumps(body).encode(), {}

    def _get(self, path: str, asked: dict[str, str]) -> tuple[int, str, bytes, dict[str, str]]:
        project = self.project
        project.asked.append(path)
        parts = path.strip("/").split("/")
        if parts[0] != "v1":
            file = PAGE / ("index.html" if path == "/" else path.removeprefix("/page/"))
            if not file.is_file():
                raise Refused(404, error="no such page")
            return 200, TYPES.get(file.suffix, "text/html; charset=utf-8"), file.read_bytes(), {}
        simple = {
            "project": project.project,
            "profile": lambda: profile(project),
            "loop": lambda: project.loop,
            "superimpose": lambda: superimposed(project, asked),
            "events": lambda: self._events(asked),
        }
        if parts[1] in simple:
            return self._json(simple[parts[1]]())
        if parts[1:] == ["films"]:
            return self._json(project.queue(asked))
        film = project.films.get(int(parts[2]))
        if film is None:
            raise Refused(404, error="no such film")
        return self._film(film, parts[3:])

    def _events(self, asked: dict[str, str]) -> dict[str, Any]:
        end = time.monotonic() + min(float(asked.get("wait_s", 0)), 2.0)
        after = int(asked["after"])
        while self.project.event <= after and time.monotonic() < end:
            time.sleep(0.05)
        changed = sorted({film for event, film in self.project.changed if event > after})
        return {"last": self.project.event, "films": changed, "counts": self.project.counts()}

    def _film(self, film: FakeFilm, rest: list[str]) -> tuple[int, str, bytes, dict[str, str]]:
        if not rest:
            return self._json(self.project.film(film))
        if rest[0] == "pixels":
            height, width = film.pixels.shape
            size = {"X-Cephsure-Width": str(width), "X-Cephsure-Height": str(height)}
            size["X-Cephsure-Bits"] = str(8 * film.pixels.itemsize)
            return 200, "application/octet-stream", film.pixels.tobytes(), size
        if rest[0] == "thumbnail":
            if film.thumbnail is None:
                deep = film.pixels.dtype != np.uint8
                grey = (film.pixels >> 4).astype(np.uint8) if deep else film.pixels
                film.thumbnail = png(Image.fromarray(grey), 240)
            return 200, "image/png", film.thumbnail, {}
        if rest[0] == "heatmap":
            return self._json(heat(film, int(rest[1])))
        if rest[0] == "report":
            if film.name.startswith("no_scale"):
                raise Refused(422, error="no_scale.png: is not found any more")
            made = f"attachment; filename*=UTF-8''{quote(film.name)}.report.pdf"
            return 200, "application/pdf", b"%PDF-", {"Content-Disposition": made}
        return self._json({"events": []})

    def _post(self, path: str, body: dict[str, Any]) -> tuple[int, str, bytes, dict[str, str]]:
        project, parts = self.project, path.strip("/").split("/")
        project.requests.append(path)
        if parts[1] == "profile":
            project.profile_needed = False
            project.profile_answers = body.get("answers", {})
            return self._json(profile(project))
        if parts[1] == "loop":
            loop_step(project.loop, parts[2])
            return self._json(project.loop)
        film = project.films[int(parts[2])]
        if parts[3] == "measure":
            return self._json(project.measure(film, body))
        time.sleep(project.slow_s)
        with project.lock:
            answer = project.write(film, parts[3], body)
        if project.lose_answer:
            project.lose_answer = False
            raise Refused(503, error="stored, but the answer is lost")
        return self._json(answer)


def png(picture: Image.Image, side: int) -> bytes:
    """A picture no larger than a side, as PNG."""
    picture.thumbnail((side, side))
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def heat(film: FakeFilm, number: int) -> dict[str, Any]:
    """A round spot of heat about a landmark."""
    mark = film.prediction.landmarks[number - 1]  # type: ignore[union-attr]
    away = np.hypot(*np.mgrid[-40:41, -40:41])
    layer = np.zeros((81, 81, 4), np.uint8)
    layer[..., :3] = (255, 225, 90)
    layer[..., 3] = 230 * np.exp(-((away / 16) ** 2))
    data = base64.b64encode(png(Image.fromarray(layer, "RGBA"), 240)).decode()
    box = [mark.x_px - 40, mark.y_px - 40, mark.x_px + 40, mark.y_px + 40]
    return {"png": f"data:image/png;base64,{data}", "box_px": box}


def profile(project: FakeProject) -> dict[str, Any]:
    """Two questions about the first film."""
    film = project.films[1]
    asked = []
    for number, way in ((10, (14, 12)), (16, (2, 22))):
        mark = film.prediction.landmarks[number - 1]  # type: ignore[union-attr]
        places = [
            {
                "key": "senior",
                "words": "further back and up",
                "x_px": mark.x_px - way[0],
                "y_px": mark.y_px - way[1],
            },
            {
                "key": "junior",
                "words": "further forward and down",
                "x_px": mark.x_px + way[0],
                "y_px": mark.y_px + way[1],
            },
        ]
        asked.append(
            {
                "number": number,
                "code": mark.code,
                "name": mark.name,
                "words": "",
                "distance_mm": 2.0,
                "places": places,
            }
        )
    answers = project.profile_answers
    return {
        "needed": project.profile_needed,
        "film_id": 1,
        "reader": None,
        "questions": asked if project.is_profile_ready else [],
        "answered": answers,
    }


def loop_step(loop: dict[str, Any], step: str) -> None:
    """Calibrate or apply, at once."""
    if step == "calibrate":
        loop["job"] = {"kind": "calibrate", "state": "done", "done": 5, "total": 5, "error": None}
        loop["result"] = {
            "films": loop["corrected"],
            "before": {"error_mm": 1.71, "coverage": 0.74, "area_mm2": 38.2},
            "after": {"error_mm": 1.32, "coverage": 0.9, "area_mm2": 29.4},
            "promise": "90 % regions hold for Dr Sample's marks on films like these",
        }
    else:
        loop["applied"] = {
            "films": loop["corrected"],
            "at": "2026-01-01T10:00:00Z",
            "promise": loop["result"]["promise"],
        }
        loop["offer"] = None


def superimposed(project: FakeProject, asked: dict[str, str]) -> dict[str, Any]:
    """The second film beside the first, turned by two degrees about S."""
    first, second = (project.films[int(asked[key])] for key in ("first", "second"))
    turn = np.deg2rad(2.0)
    matrix = [[np.cos(turn), -np.sin(turn), 14.0], [np.sin(turn), np.cos(turn), -16.0]]
    points = []
    for one, two in zip(first.prediction.landmarks, second.prediction.landmarks, strict=True):  # type: ignore[union-attr]
        at = np.array(matrix) @ [two.x_px, two.y_px, 1.0]
        forward, down = 0.25 * (at - [one.x_px, one.y_px])
        size = float(np.hypot(forward, down))
        points.append(
            {
                "number": one.number,
                "code": one.code,
                "name": one.name,
                "first": [one.x_px, one.y_px],
                "second": at.tolist(),
                "forward_mm": forward,
                "up_mm": -down,
                "distance_mm": size,
                "interval_mm": [max(0.0, size - 2.1), size + 2.1],
                "moved": size > 2.1,
            }
        )
    shown = [
        {
            "film_id": film.film_id,
            "name": film.name,
            "width_px": film.pixels.shape[1],
            "height_px": film.pixels.shape[0],
        }
        for film in (first, second)
    ]
    return {
        "on": asked["on"],
        "first": shown[0],
        "second": shown[1],
        "matrix": matrix,
        "mm": True,
        "points": points,
        "words": "laid on S-N at S; 18 of 18 points moved by more than they may be off (90 %)",
    }


class FakeServer:
    """The stand-in, running in a thread: `with FakeServer() as server: server.url`.

    A browser may keep the page's own files for `kept_s` seconds, where they do not change meanwhile.
    """

    def __init__(self, shown: list[FakeFilm] | None = None, port: int = 0, kept_s: int = 0) -> None:
        self.http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.http.daemon_threads = True
        self.http.kept_s = kept_s  # type: ignore[attr-defined]
        self.begin(made_films() if shown is None else shown)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/"

    def begin(self, shown: list[FakeFilm]) -> None:
        """Begin anew, with films on which nothing was decided."""
        self.project = FakeProject(shown)
        self.http.project = self.project  # type: ignore[attr-defined]

    def __enter__(self) -> Self:
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()


if __name__ == "__main__":
    with FakeServer(port=8124) as running:
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        threading.Event().wait()
