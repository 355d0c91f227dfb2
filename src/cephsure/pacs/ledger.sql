CREATE TABLE film (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  instance_uid TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  arrived_at TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'predicted', 'failed')),
  losses INTEGER NOT NULL DEFAULT 0,
  why TEXT
) STRICT;
CREATE INDEX film_state ON film (state, id);
CREATE TABLE result (
  id INTEGER PRIMARY KEY,
  film_id INTEGER NOT NULL REFERENCES film,
  kind TEXT NOT NULL CHECK (kind IN ('sr', 'gsps')),
  instance_uid TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent')),
  tries INTEGER NOT NULL DEFAULT 0,
  next_try REAL NOT NULL DEFAULT 0,
  sent_to TEXT,
  sent_at TEXT,
  why TEXT,
  UNIQUE (film_id, kind)
) STRICT;
CREATE INDEX result_state ON result (state, next_try);
