"""The ledger's tables, and how a file is brought to the newest version.

An item is what Frigate has reported; a file is one piece of its footage, asked of
Frigate once and held in the spool; an upload is one file at one destination.
`TABLES` is how all began: columns that were added or renamed since are in
`schema_steps`.
"""

import sqlite3
from typing import Final

from .schema_steps import STEPS

TABLES: Final = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    media TEXT NOT NULL,
    source_id TEXT NOT NULL,
    camera TEXT NOT NULL,
    label TEXT NOT NULL,
    labels TEXT NOT NULL,
    zones TEXT NOT NULL,
    severity TEXT,
    start REAL NOT NULL,
    end REAL,
    reported_at REAL NOT NULL,
    pictured REAL,
    is_open INTEGER NOT NULL,
    counted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (media, source_id)
) STRICT;
CREATE INDEX open_items ON items (id) WHERE is_open = 1;
CREATE INDEX items_by_report ON items (reported_at);

CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items,
    role TEXT NOT NULL,
    number INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    start INTEGER,
    end INTEGER,
    state TEXT NOT NULL,
    due REAL NOT NULL,
    -- When what it shows was over, by our clock: fresh footage goes first.
    over REAL NOT NULL DEFAULT 0,
    -- What lies on Frigate's disk is enough: its last seconds won't come there.
    as_is INTEGER NOT NULL DEFAULT 0,
    -- It came too slowly while others waited: it is taken up after them.
    gave_way INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    -- What it waits for beside time (`Hold`); of a clip that was too large for the
    -- spool, under which limit.
    hold TEXT,
    hold_limit INTEGER,
    spool_name TEXT,
    size INTEGER,
    sha256 TEXT,
    -- The seconds that Frigate's recordings ever showed of it, and those that its
    -- clip holds for certain (`sync/model/spans.py`).
    shown TEXT,
    held TEXT,
    UNIQUE (item_id, role, number)
) STRICT;
CREATE INDEX wanted_files ON files (gave_way, rank, due) WHERE state = 'wanted';
CREATE INDEX fresh_files ON files (over) WHERE state = 'wanted';
CREATE INDEX held_files ON files (id) WHERE state = 'held';
CREATE INDEX spooled_files ON files (spool_name) WHERE spool_name IS NOT NULL;

CREATE TABLE uploads (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items,
    file_id INTEGER NOT NULL REFERENCES files,
    destination_id TEXT NOT NULL,
    role TEXT NOT NULL,
    base TEXT NOT NULL,
    path TEXT NOT NULL,
    -- What it shares with other names for one file: see `naming.path_key`.
    path_key TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    rank INTEGER NOT NULL,
    -- That of its file.
    over REAL NOT NULL DEFAULT 0,
    is_ready INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_at REAL NOT NULL DEFAULT 0,
    planned REAL NOT NULL,
    -- The name of a try's temporary file, and the bytes that it was to have.
    temporary TEXT,
    tried_size INTEGER,
    tried_sha256 TEXT,
    clean_up TEXT,
    is_missed INTEGER NOT NULL DEFAULT 0,
    is_acknowledged INTEGER NOT NULL DEFAULT 0,
    size INTEGER,
    -- The seconds that the copy holds for certain.
    held TEXT,
    finished REAL,
    UNIQUE (file_id, destination_id),
    UNIQUE (destination_id, path_key)
) STRICT;
CREATE INDEX uploads_of_item ON uploads (item_id);
CREATE INDEX pending_uploads ON uploads (destination_id, planned, is_ready)
    WHERE state = 'pending';
CREATE INDEX ready_uploads ON uploads (destination_id, rank, id)
    WHERE state = 'pending' AND is_ready = 1;
CREATE INDEX fresh_uploads ON uploads (destination_id, over)
    WHERE state = 'pending' AND is_ready = 1;
CREATE INDEX failed_uploads ON uploads (destination_id, finished)
    WHERE state IN ('gone', 'dropped', 'incomplete');
-- What was lost and not acknowledged by the owner.
CREATE INDEX losses ON uploads (finished) WHERE is_acknowledged = 0
    AND (role = 'whole' AND state IN ('gone', 'dropped', 'incomplete')
    OR is_missed = 1);
-- Uploads of which something is to be removed at their destinations.
CREATE INDEX clean_ups ON uploads (destination_id, id) WHERE clean_up IS NOT NULL;

CREATE TABLE destinations (
    id TEXT PRIMARY KEY,
    since REAL NOT NULL,
    sending INTEGER NOT NULL DEFAULT 1,
    snapshots_uploaded INTEGER NOT NULL DEFAULT 0,
    recordings_uploaded INTEGER NOT NULL DEFAULT 0,
    data_uploaded INTEGER NOT NULL DEFAULT 0,
    last_upload REAL,
    last_audit REAL NOT NULL DEFAULT 0,
    -- What went wrong since it worked last: the cause's code and the rest.
    last_error TEXT,
    last_error_text TEXT,
    last_error_file TEXT,
    last_error_at REAL,
    -- The files and folders that a test may have left there (JSON).
    probe TEXT,
    -- The form of temporary names that works, if it is not that of the set-up.
    temporary_form TEXT
) STRICT;

-- What each destination was sent of late, by the hour since 1970.
CREATE TABLE traffic (
    destination_id TEXT NOT NULL,
    hour INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (destination_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE cameras (
    name TEXT PRIMARY KEY,
    snapshots_uploaded INTEGER NOT NULL DEFAULT 0,
    recordings_uploaded INTEGER NOT NULL DEFAULT 0,
    last_upload REAL,
    absent_since REAL,
    is_shown INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Tracked objects whose end is still to be heard of: when each was heard of last,
-- and when it was known to be tracked last, by our clock.
CREATE TABLE tracked_objects (
    id TEXT PRIMARY KEY,
    heard REAL NOT NULL,
    seen REAL
) STRICT;

-- A number that grows, to know a ledger that a restore brought back: one row.
CREATE TABLE generation (
    number INTEGER NOT NULL
) STRICT;
INSERT INTO generation VALUES (0);

-- Single moments: `since`, when the entry was made; `caught_up`, up to when all
-- that Frigate's API shows is known; `last_review`, when one was last reported that
-- a destination wants, and `first_review`, the first one after the last upload;
-- `messages_lost`, when live snapshots were lost before they could be kept, and
-- `images_too_large`, when some were too large to be, until that is acknowledged;
-- `protection_…`, since when the state of that name holds; `outage_…`, since when
-- something is wrong that has been for long; `restored`, when a restore was noticed,
-- and `unsettled`, the same until the spool was opened;
-- `written`, when the ledger was last seen to take what is written.
CREATE TABLE milestones (
    name TEXT PRIMARY KEY,
    moment REAL NOT NULL
) STRICT;

-- When the owner had the Frigate's capture switched off, by our clock.
CREATE TABLE off_periods (
    start REAL NOT NULL,
    end REAL
) STRICT;
"""

FIRST_VERSION: Final = 10
"""The version of `TABLES`. What came before it was never released."""

VERSION: Final = FIRST_VERSION + len(STEPS)


class TooOld(Exception):
    """A file of a version that was never released."""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest version; each step is one transaction.

    Raises ValueError when a newer version of the integration wrote it, `TooOld`
    when it is older than the first release.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ValueError(
            f"it was written by a newer version (schema {version}, known: {VERSION})"
        )
    if 0 < version < FIRST_VERSION:
        raise TooOld(f"it has the schema {version}, which was never released")
    if version == 0:
        _apply(connection, TABLES, FIRST_VERSION)
        version = FIRST_VERSION
    for number, step in enumerate(STEPS[version - FIRST_VERSION :], start=version + 1):
        _apply(connection, step, number)


def _apply(connection: sqlite3.Connection, script: str, version: int) -> None:
    connection.executescript(f"BEGIN;{script}PRAGMA user_version = {version};COMMIT;")
