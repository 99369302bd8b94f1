"""The ledger's tables, and the steps from each schema version to the next.

An item is what Frigate has reported; a file is one piece of its footage, asked of
Frigate once and held in the spool; an upload is one file at one destination.
"""

from collections.abc import Sequence
import sqlite3
from typing import Final

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
-- that Frigate's API shows is known; `last_review`, when one was last reported;
-- `messages_lost`, when live snapshots were lost before they could be kept, and
-- `images_too_large`, when some were too large to be, until that is acknowledged; `protection_…`, since when the state of that name holds;
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

_BUDGETS: Final = """
-- What each destination was sent in a calendar month (2026-11), retries included.
CREATE TABLE spent (
    destination_id TEXT NOT NULL,
    month TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (destination_id, month)
) STRICT, WITHOUT ROWID;
-- What its budget does not let it take now: kinds (JSON), NULL for none.
ALTER TABLE destinations ADD COLUMN held_back TEXT;
-- What a pending upload waits for beside its file, and whether it ever did.
ALTER TABLE uploads ADD COLUMN hold TEXT;
ALTER TABLE uploads ADD COLUMN was_held INTEGER NOT NULL DEFAULT 0;
"""

_CLOSED_PERIODS: Final = """
-- When a destination was closed, because an entity had another state than chosen.
CREATE TABLE closed_periods (
    destination_id TEXT NOT NULL,
    start REAL NOT NULL,
    end REAL
) STRICT;
"""

_COPIES: Final = """
-- The start of its item, by which copies expire.
ALTER TABLE uploads ADD COLUMN item_start REAL NOT NULL DEFAULT 0;
UPDATE uploads SET item_start = (SELECT start FROM items WHERE items.id = item_id);
CREATE INDEX stored_uploads ON uploads (destination_id, item_start, id)
    WHERE state = 'verified';
-- The bytes of its copies, and the time by which their ages were judged last.
ALTER TABLE destinations ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destinations ADD COLUMN retention_clock REAL;
UPDATE destinations SET stored_bytes = (SELECT COALESCE(SUM(size), 0) FROM uploads
    WHERE destination_id = destinations.id AND state = 'verified');
-- How many copies there are of it: it is not forgotten while there is one.
ALTER TABLE items ADD COLUMN copies INTEGER NOT NULL DEFAULT 0;
UPDATE items SET copies = (SELECT COUNT(*) FROM uploads
    WHERE item_id = items.id AND state = 'verified');
CREATE INDEX forgettable_items ON items (reported_at)
    WHERE copies = 0 AND is_open = 0;
-- Destinations that are no more: their copies are not ours to keep in mind.
CREATE TABLE removed_destinations (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO removed_destinations SELECT DISTINCT destination_id FROM uploads
    WHERE state = 'verified' AND destination_id NOT IN (SELECT id FROM destinations);
-- Whatever changes an upload, both counts are right.
CREATE TRIGGER copy_changed AFTER UPDATE OF state, size ON uploads
WHEN OLD.state = 'verified' OR NEW.state = 'verified' BEGIN
    UPDATE destinations SET stored_bytes = stored_bytes
        + IIF(NEW.state = 'verified', COALESCE(NEW.size, 0), 0)
        - IIF(OLD.state = 'verified', COALESCE(OLD.size, 0), 0)
        WHERE id = NEW.destination_id;
    UPDATE items SET copies = copies
        + (NEW.state = 'verified') - (OLD.state = 'verified')
        WHERE id = NEW.item_id AND NEW.state != OLD.state;
END;
CREATE TRIGGER copy_forgotten AFTER DELETE ON uploads
WHEN OLD.state = 'verified' BEGIN
    UPDATE destinations SET stored_bytes = stored_bytes - COALESCE(OLD.size, 0)
        WHERE id = OLD.destination_id;
    UPDATE items SET copies = copies - 1 WHERE id = OLD.item_id;
END;
"""

_ASKED: Final = """
-- A person asked for it, whatever its destination selects.
ALTER TABLE uploads ADD COLUMN is_asked INTEGER NOT NULL DEFAULT 0;
"""

_PROTECTED: Final = """
-- The owner said that retention keeps all of its copies.
ALTER TABLE items ADD COLUMN is_protected INTEGER NOT NULL DEFAULT 0;
CREATE INDEX protected_items ON items (id) WHERE is_protected = 1;
"""

_BROWSING: Final = """
-- The tracked objects that a review names.
CREATE TABLE review_objects (
    object_id TEXT NOT NULL,
    review_id TEXT NOT NULL,
    PRIMARY KEY (object_id, review_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_of_review ON review_objects (review_id);
-- What lies somewhere, by camera and time.
CREATE INDEX stored_items ON items (camera, start) WHERE copies > 0;
"""

_DRILLS: Final = """
-- The last fire drill of each camera, and what came of it (JSON).
CREATE TABLE drills (
    camera TEXT PRIMARY KEY,
    moment REAL NOT NULL,
    report TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- What drills may have left at destinations: names of files, or of unfinished ones.
CREATE TABLE drill_files (
    destination_id TEXT NOT NULL,
    name TEXT NOT NULL,
    is_temporary INTEGER NOT NULL,
    PRIMARY KEY (destination_id, name)
) STRICT, WITHOUT ROWID;
"""
_SUMMARIES: Final = """
CREATE INDEX expired_uploads ON uploads (destination_id, item_start)
    WHERE state = 'expired';
"""

_LIVE_SNAPSHOTS: Final = """
-- The images that came over MQTT, apart from those of tracked objects.
ALTER TABLE destinations ADD COLUMN live_snapshots_uploaded INTEGER NOT NULL DEFAULT 0;
"""

_LIVE_FILES: Final = """
-- Film that left while it happened. It is no upload, and counts nowhere.
CREATE TABLE live_files (
    id INTEGER PRIMARY KEY,
    item_id INTEGER NOT NULL REFERENCES items,
    destination_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    -- What the item's files are called there.
    base TEXT NOT NULL,
    path TEXT NOT NULL,
    path_key TEXT NOT NULL,
    -- How many pieces it may lie there in; NULL for one file that grows.
    pieces INTEGER,
    -- From when on it shows something, by Frigate's clock, and what: NULL where a
    -- crash ended it.
    start REAL NOT NULL,
    held TEXT,
    size INTEGER NOT NULL DEFAULT 0,
    -- growing, kept, over
    state TEXT NOT NULL,
    -- It is to be removed at its destination.
    clean_up INTEGER NOT NULL DEFAULT 0,
    UNIQUE (destination_id, path_key)
) STRICT;
CREATE INDEX live_files_of_item ON live_files (item_id, destination_id);
CREATE INDEX kept_live_files ON live_files (destination_id, start)
    WHERE state = 'kept';
CREATE INDEX growing_live_files ON live_files (id) WHERE state = 'growing';
CREATE INDEX live_clean_ups ON live_files (destination_id, id) WHERE clean_up = 1;
"""

_LIVE_OWNERS: Final = """
-- What lies under the name is ours for certain. Else it is never removed.
ALTER TABLE live_files ADD COLUMN is_ours INTEGER NOT NULL DEFAULT 0;
-- So many seconds Frigate's clock is ahead of ours.
ALTER TABLE live_files ADD COLUMN ahead REAL NOT NULL DEFAULT 0;
-- Where a crash ended it: when that was at the latest, by Frigate's clock.
ALTER TABLE live_files ADD COLUMN ended_by REAL;
UPDATE live_files SET is_ours = 1 WHERE size > 0;
UPDATE live_files SET state = 'over', clean_up = 0
    WHERE size = 0 AND (state = 'over' OR held IS NOT NULL);
"""

STEPS: Final[Sequence[str]] = (
    _BUDGETS,
    _CLOSED_PERIODS,
    _COPIES,
    _ASKED,
    _PROTECTED,
    _BROWSING,
    _DRILLS,
    _SUMMARIES,
    _LIVE_SNAPSHOTS,
    _LIVE_FILES,
    _LIVE_OWNERS,
)
"""Entry n leads from version 10 + n to the next; old ones never change."""

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
