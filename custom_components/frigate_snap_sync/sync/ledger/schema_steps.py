"""The steps of the ledger's tables from each schema version to the next."""

from collections.abc import Sequence
from typing import Final

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

_PLACES: Final = """
-- Where it is, and since when: what is called so may be set up to be elsewhere.
ALTER TABLE destinations ADD COLUMN place TEXT;
ALTER TABLE destinations ADD COLUMN placed REAL NOT NULL DEFAULT 0;
-- Where destinations were before. What lies there has its `id` for a destination;
-- at the place of today it was looked for up to the name `looked`.
CREATE TABLE former_places (
    id TEXT PRIMARY KEY,
    destination_id TEXT NOT NULL,
    place TEXT NOT NULL,
    looked TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
-- Of a copy that was found where its destination is now only name and size are known.
ALTER TABLE uploads ADD COLUMN was_found INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER copy_moved AFTER UPDATE OF destination_id ON uploads
WHEN NEW.state = 'verified' BEGIN
    UPDATE destinations SET stored_bytes = stored_bytes + COALESCE(NEW.size, 0)
        * ((id = NEW.destination_id) - (id = OLD.destination_id))
        WHERE id IN (OLD.destination_id, NEW.destination_id);
END;
"""

_CLEARER_NAMES: Final = """
-- When it was to leave: it is late a minute after that.
ALTER TABLE uploads RENAME COLUMN planned TO expected_at;
-- When what it shows was over.
ALTER TABLE files RENAME COLUMN over TO ended_at;
ALTER TABLE uploads RENAME COLUMN over TO ended_at;
-- When it was heard of last, and when it was known to be tracked last.
ALTER TABLE tracked_objects RENAME COLUMN heard TO heard_at;
ALTER TABLE tracked_objects RENAME COLUMN seen TO tracked_at;
"""

_AGES: Final = """
-- From when on the age of a copy counts: its item's start, or when it was verified if
-- Frigate's clock was not set when it began.
ALTER TABLE uploads ADD COLUMN aged_from REAL NOT NULL DEFAULT 0;
UPDATE uploads SET aged_from = CASE WHEN item_start < 1735689600
    THEN COALESCE(finished, 0) ELSE item_start END;
CREATE INDEX aged_uploads ON uploads (destination_id, aged_from, id)
    WHERE state = 'verified';
"""

_CONFIRMED: Final = """
-- Frigate's API has shown it: it is no invention of another program.
ALTER TABLE items ADD COLUMN is_confirmed INTEGER NOT NULL DEFAULT 0;
"""

_FILMS: Final = """
-- How many live files there are of it: it is listed, whether it has copies or not.
ALTER TABLE items ADD COLUMN films INTEGER NOT NULL DEFAULT 0;
UPDATE items SET films = (SELECT COUNT(*) FROM live_files
    WHERE item_id = items.id AND is_ours = 1 AND state IN ('growing', 'kept'));
DROP INDEX stored_items;
CREATE INDEX stored_items ON items (camera, start) WHERE copies + films > 0;
CREATE TRIGGER film_changed AFTER UPDATE OF state, is_ours ON live_files BEGIN
    UPDATE items SET films = films
        + (NEW.is_ours = 1 AND NEW.state IN ('growing', 'kept'))
        - (OLD.is_ours = 1 AND OLD.state IN ('growing', 'kept'))
        WHERE id = NEW.item_id;
END;
CREATE TRIGGER film_forgotten AFTER DELETE ON live_files
WHEN OLD.is_ours = 1 AND OLD.state IN ('growing', 'kept') BEGIN
    UPDATE items SET films = films - 1 WHERE id = OLD.item_id;
END;
"""

_HINTS: Final = """
-- Film may leave with a first sign, before its review is known: then it has no item.
CREATE TABLE live_files_with_hints (
    id INTEGER PRIMARY KEY,
    item_id INTEGER REFERENCES items,
    -- What stands for the item until then.
    hint TEXT,
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
    -- What it shows before that is nothing of its item.
    begins REAL,
    size INTEGER NOT NULL DEFAULT 0,
    -- growing, kept, over
    state TEXT NOT NULL,
    -- It is to be removed at its destination.
    clean_up INTEGER NOT NULL DEFAULT 0,
    -- What lies under the name is ours for certain. Else it is never removed.
    is_ours INTEGER NOT NULL DEFAULT 0,
    -- So many seconds Frigate's clock is ahead of ours.
    ahead REAL NOT NULL DEFAULT 0,
    -- Where a crash ended it: when that was at the latest, by Frigate's clock.
    ended_by REAL,
    UNIQUE (destination_id, path_key)
) STRICT;
INSERT INTO live_files_with_hints (id, item_id, destination_id, number, base, path,
    path_key, pieces, start, held, size, state, clean_up, is_ours, ahead, ended_by)
    SELECT id, item_id, destination_id, number, base, path, path_key, pieces, start,
    held, size, state, clean_up, is_ours, ahead, ended_by FROM live_files;
DROP TRIGGER film_changed;
DROP TRIGGER film_forgotten;
DROP TABLE live_files;
ALTER TABLE live_files_with_hints RENAME TO live_files;
CREATE INDEX live_files_of_item ON live_files (item_id, destination_id);
CREATE INDEX kept_live_files ON live_files (destination_id, start)
    WHERE state = 'kept';
CREATE INDEX growing_live_files ON live_files (id) WHERE state = 'growing';
CREATE INDEX live_clean_ups ON live_files (destination_id, id) WHERE clean_up = 1;
CREATE TRIGGER film_changed AFTER UPDATE OF item_id, state, is_ours ON live_files BEGIN
    UPDATE items SET films = films - 1 WHERE id = OLD.item_id
        AND OLD.is_ours = 1 AND OLD.state IN ('growing', 'kept');
    UPDATE items SET films = films + 1 WHERE id = NEW.item_id
        AND NEW.is_ours = 1 AND NEW.state IN ('growing', 'kept');
END;
CREATE TRIGGER film_forgotten AFTER DELETE ON live_files
WHEN OLD.is_ours = 1 AND OLD.state IN ('growing', 'kept') BEGIN
    UPDATE items SET films = films - 1 WHERE id = OLD.item_id;
END;
"""

_CUT_OFF: Final = """
CREATE INDEX cut_off_live_files ON live_files (destination_id, start)
    WHERE state = 'kept' AND held IS NULL;
"""

_MISSED_AT: Final = """
-- When an audit saw that a copy had vanished or changed.
ALTER TABLE uploads ADD COLUMN missed_at REAL;
-- Early versions had these without what is incomplete.
DROP INDEX losses;
CREATE INDEX losses ON uploads (finished) WHERE is_acknowledged = 0
    AND (role = 'whole' AND state IN ('gone', 'dropped', 'incomplete')
    OR is_missed = 1);
DROP INDEX failed_uploads;
CREATE INDEX failed_uploads ON uploads (destination_id, finished)
    WHERE state IN ('gone', 'dropped', 'incomplete');
"""

_HEARD_AT: Final = """
-- When Frigate last reported a review, or its API showed it.
ALTER TABLE items ADD COLUMN heard_at REAL;
"""

_GUESSED_ENDS: Final = """
-- Frigate had lost it: it was planned as if it had ended when it was heard of last.
ALTER TABLE items ADD COLUMN is_end_guessed INTEGER NOT NULL DEFAULT 0;
-- Its item was counted for the destination before more of it came.
ALTER TABLE uploads ADD COLUMN was_counted INTEGER NOT NULL DEFAULT 0;
"""

_HAD_FOOTAGE: Final = """
-- Frigate's recordings showed some of its range when it was planned.
ALTER TABLE files ADD COLUMN had_footage INTEGER NOT NULL DEFAULT 0;
"""

_UNANSWERED: Final = """
-- A request for it got no answer: the destination may yet carry it out.
ALTER TABLE live_files ADD COLUMN is_unanswered INTEGER NOT NULL DEFAULT 0;
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
    _PLACES,
    _CLEARER_NAMES,
    _AGES,
    _CONFIRMED,
    _FILMS,
    _HINTS,
    _CUT_OFF,
    _MISSED_AT,
    _HEARD_AT,
    _GUESSED_ENDS,
    _HAD_FOOTAGE,
    _UNANSWERED,
)
"""Entry n leads from version 10 + n to the next; old ones never change."""
