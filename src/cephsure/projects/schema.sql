-- A project: films, what models said of them, and every edit as an event that nobody can change.
-- Version 1. Whoever changes this file adds the way from the version before to migrations.py.

CREATE TABLE project (
    project_id INTEGER PRIMARY KEY CHECK (project_id = 1),
    name TEXT NOT NULL,
    made_at TEXT NOT NULL,
    landmark_set TEXT NOT NULL CHECK (json_valid(landmark_set)),
    settings TEXT NOT NULL CHECK (json_valid(settings))
) STRICT;

CREATE TABLE films (
    film_id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    name TEXT NOT NULL,
    path TEXT NOT NULL,                 -- where it was last seen, as file_names.escaped writes it
    size_bytes INTEGER NOT NULL,
    changed_ns INTEGER,                 -- the file's time of change when its hash was taken
    added_at TEXT NOT NULL,
    width_px INTEGER,
    height_px INTEGER,
    unread TEXT                         -- one line: why it cannot be read; NULL where it can
) STRICT;

CREATE TABLE predictions (
    prediction_id INTEGER PRIMARY KEY AUTOINCREMENT,
    film_id INTEGER NOT NULL REFERENCES films,
    made_at TEXT NOT NULL,
    model TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    reader_sha256 TEXT NOT NULL,        -- of the reader's file, or 'definition'
    mm_per_px TEXT CHECK (mm_per_px IS NULL OR json_valid(mm_per_px)),
    doubt REAL,                         -- of the least certain point; larger is more doubtful
    verdict TEXT CHECK (verdict IN ('fit', 'review', 'unfit')),
    why TEXT,
    reasons TEXT NOT NULL CHECK (json_valid(reasons)),
    document TEXT NOT NULL              -- cephsure.prediction/2; last, so that a queue need not read it
) STRICT;
CREATE INDEX predictions_of_film ON predictions (film_id);

CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    content TEXT NOT NULL CHECK (json_valid(content))
) STRICT;

CREATE TABLE events (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT NOT NULL REFERENCES requests,
    place INTEGER NOT NULL,             -- in its request, from 0
    film_id INTEGER NOT NULL REFERENCES films,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('point', 'scale', 'film', 'note', 'undo', 'redo')),
    about TEXT NOT NULL CHECK (about IN ('point', 'scale', 'film', 'note')),
    action TEXT NOT NULL,
    landmark INTEGER CHECK ((landmark IS NOT NULL) = (about = 'point')),
    revision INTEGER CHECK ((revision IS NOT NULL) = (about = 'point')),
    before TEXT CHECK (before IS NULL OR json_valid(before)),
    after TEXT CHECK (after IS NULL OR json_valid(after)),
    undoes INTEGER REFERENCES events CHECK ((undoes IS NOT NULL) = (kind IN ('undo', 'redo'))),
    UNIQUE (request_id, place)
) STRICT;
CREATE INDEX events_of_film ON events (film_id, who);

-- What follows from the events, kept for speed; `cephsure project check` replays them and compares.
CREATE TABLE points (
    film_id INTEGER NOT NULL REFERENCES films,
    landmark INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('predicted', 'accepted', 'edited', 'placed', 'missing', 'referred')),
    x_px REAL,
    y_px REAL,
    who TEXT,                           -- whose mark it is; NULL for nobody's
    prediction_id INTEGER REFERENCES predictions,
    revision INTEGER NOT NULL,
    event_id INTEGER NOT NULL REFERENCES events,
    PRIMARY KEY (film_id, landmark)
) STRICT, WITHOUT ROWID;

CREATE TABLE film_states (
    film_id INTEGER PRIMARY KEY REFERENCES films,
    state TEXT NOT NULL CHECK (state IN ('open', 'reviewed', 'referred')),
    state_who TEXT,
    scale TEXT CHECK (scale IS NULL OR json_valid(scale)),
    event_id INTEGER NOT NULL REFERENCES events
) STRICT;

-- What was acknowledged stays as it was. INSERT OR REPLACE deletes without a word: hence the third kind.
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
WHEN EXISTS (
    SELECT 1 FROM events
    WHERE event_id = NEW.event_id OR (request_id = NEW.request_id AND place = NEW.place)
)
BEGIN SELECT RAISE(ABORT, 'events are never replaced'); END;

CREATE TRIGGER requests_never_change BEFORE UPDATE ON requests
BEGIN SELECT RAISE(ABORT, 'requests are never changed'); END;
CREATE TRIGGER requests_never_go BEFORE DELETE ON requests
BEGIN SELECT RAISE(ABORT, 'requests are never deleted'); END;
CREATE TRIGGER requests_are_never_replaced BEFORE INSERT ON requests
WHEN EXISTS (SELECT 1 FROM requests WHERE request_id = NEW.request_id)
BEGIN SELECT RAISE(ABORT, 'requests are never replaced'); END;

CREATE TRIGGER predictions_never_change BEFORE UPDATE ON predictions
BEGIN SELECT RAISE(ABORT, 'predictions are never changed'); END;
CREATE TRIGGER predictions_never_go BEFORE DELETE ON predictions
BEGIN SELECT RAISE(ABORT, 'predictions are never deleted'); END;
CREATE TRIGGER predictions_are_never_replaced BEFORE INSERT ON predictions
WHEN EXISTS (SELECT 1 FROM predictions WHERE prediction_id = NEW.prediction_id)
BEGIN SELECT RAISE(ABORT, 'predictions are never replaced'); END;
