"""How much the engine takes on at a time. Tests hand in smaller numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much there may be, or must be, of what."""

    messages: int = 2000
    """Messages of Frigate that wait to be stored."""
    message_bytes: int = 64 << 20
    """Bytes of all messages that wait."""
    payload_bytes: int = 20 << 20
    """Bytes of one message; the largest are images."""
    spool_reserve: int = 8 << 20
    """Bytes of the spool that clips leave to stills."""
    smallest_clip: int = 32 << 20
    """Bytes that must be free in the spool before a clip is requested."""
    stills_at_once: int = 8
    """Images that are sent to one destination at a time."""
    followed_clip: int = 8 << 20
    """Bytes of a clip after which it leaves while the rest of it is downloaded."""
    slow_clips: int = 8
    """Slow clips that step back one after the other."""
    retried_at_once: int = 200
    """Failed uploads that are tried again in one step; other work comes in between."""
    stuck_leftovers: int = 1000
    """Leftovers that a destination refuses to delete before the others wait too."""
    piece: int = 1800
    """Seconds of the pieces that a longer recording is kept as."""
    piece_remainder: int = 60
    """Seconds that may be left over and are added to the last piece."""
    live_bytes: int = 8 << 20
    """Bytes of a camera's live film that are kept for who is late for it."""
    object_page: int = 100
    """Tracked objects that Frigate's API is asked for in one request."""
    object_pages: int = 2000
    """Requests for the tracked objects of one day; the next comparison continues."""
