"""How long destinations wait, and how much they take on. Tests hand in others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times are in seconds."""

    connect_timeout: float = 20.0
    """From the first packet to being logged in, and again to the SFTP channel."""
    idle_timeout: float = 60.0
    """Without any answer of a server while something waits for one."""
    stall_timeout: float = 60.0
    """Without any answer of a file system, which then counts as away."""
    cancel_timeout: float = 1.5
    """That cleaning up may delay a failed or cancelled `put`; it continues by itself."""
    leave_timeout: float = 1.5
    """That a server may take to close a file which is left early."""
    keepalive_interval: float = 15
    """Between questions to a server of which nothing else is asked."""
    keepalive_count: int = 3
    """Such questions without an answer that end a connection."""
    max_waits: int = 10
    """Idle timeouts that one request may take while others are answered."""
    min_in_flight: int = 1024 * 1024
    """Bytes that are under way to a server, however short the link is."""
    max_in_flight: int = 2 * 1024 * 1024
    """Bytes that are under way at most, however long the link is.

    More than needed only lengthens the time for which encrypting what was queued
    blocks the event loop.
    """
    list_batch: int = 500
    """Files that one job lists."""
