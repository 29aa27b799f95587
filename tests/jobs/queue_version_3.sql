-- The tables of a queue as version 3 made them.
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study TEXT NOT NULL,
    scope TEXT NOT NULL DEFAULT '',
    spec TEXT NOT NULL,
    options TEXT NOT NULL,
    until TEXT NOT NULL DEFAULT 'end',
    state TEXT NOT NULL DEFAULT 'queued',
    position REAL NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    worker TEXT,
    pid INTEGER,
    heartbeat REAL,
    cancel INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    rate REAL NOT NULL DEFAULT 0,
    progress TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, position);
CREATE TABLE IF NOT EXISTS workers (
    name TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    heartbeat REAL NOT NULL
);
PRAGMA user_version = 3;
