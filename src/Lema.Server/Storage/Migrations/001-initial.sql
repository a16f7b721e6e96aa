CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Only hashes of tokens are kept.
CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    role INTEGER NOT NULL,
    created TEXT NOT NULL,
    expires TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    name TEXT PRIMARY KEY,
    origin INTEGER NOT NULL,
    folder TEXT NOT NULL,
    added TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE datasets (
    name TEXT PRIMARY KEY,
    file TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    format TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    heldout TEXT NOT NULL,
    added TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- detail: the protobuf form of RunDetail; the other columns are copies to look up and sort by.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    queued TEXT NOT NULL,
    model TEXT NOT NULL,
    dataset TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    resume_step INTEGER NOT NULL DEFAULT 0,
    fruitless_attempts INTEGER NOT NULL DEFAULT 0,
    detail BLOB NOT NULL
) STRICT;
CREATE INDEX runs_by_state ON runs (state, priority DESC, queued);

-- Every numbered event of a run that is no step. body: the protobuf form of RunEvent.
CREATE TABLE run_events (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    is_log INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (run_id, sequence)
) STRICT, WITHOUT ROWID;

-- Steps are events too: their numbers and those of run_events together have no holes.
CREATE TABLE run_steps (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    step INTEGER NOT NULL,
    time INTEGER NOT NULL,
    loss REAL,
    learning_rate REAL NOT NULL,
    grad_norm REAL,
    tokens INTEGER NOT NULL,
    seconds REAL NOT NULL,
    stall_seconds REAL NOT NULL,
    disk_bytes INTEGER NOT NULL,
    peak_rss_bytes INTEGER NOT NULL,
    PRIMARY KEY (run_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_replies (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    reply_index INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (run_id, step, reply_index)
) STRICT, WITHOUT ROWID;

-- Exports and evaluations. body: the protobuf form of Export or EvaluationJob.
CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    run_id TEXT NOT NULL,
    state INTEGER NOT NULL,
    idempotency_key TEXT,
    body BLOB NOT NULL,
    UNIQUE (kind, idempotency_key)
) STRICT;

CREATE TABLE job_replies (
    job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    reply_index INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (job_id, reply_index)
) STRICT, WITHOUT ROWID;
