"""How long the engine waits for what. Tests hand in shorter times."""

from collections.abc import Callable
from dataclasses import dataclass
import random
import time


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the engine waits, in seconds."""

    settle: float = 20
    """From a review's end until Frigate has its last footage on disk (10-17 s)."""
    part_settle: float = 11
    """The same for a part: asked for as early as Frigate may have it."""
    part_tail: float = 20
    """How long after its end a part's last seconds are waited for: a camera may be
    cut. Its whole will have what comes later than that."""
    off_settle: float = 5
    """From a review's end until Frigate has thrown away what it had not yet moved to
    its disk, when recordings were switched off (a loop of 5 s)."""
    forced_end: float = 5
    """A review that ended this short a time ago was cut off: others end only after
    30 s without activity."""
    stale: float = 600
    """How far behind the planning of a review may be before it is looked up first."""
    silence: float = 25
    """How long nothing is heard of a review before it is asked for."""
    daily: float = 86400
    """How often what can't be had whole is asked for again."""
    fresh: float = 3600
    """How long footage goes before all that is older."""
    slow_rate: int = 64 * 1024
    """Bytes a second below which a clip may give way to others."""
    slow_after: float = 30
    """How long it must have been that slow."""
    follow_patience: float = 2
    """How long in all who sends what is being downloaded waits for it, before others go."""
    part_retry: float = 3
    part_patience: float = 30
    """How long after its end a part is asked for in these short steps, and one that
    Frigate's disk has passed without it: Frigate may keep only what moves."""
    first_retry: float = 10
    longest_retry: float = 300
    gone_after: float = 600
    """How long after its end a recording without any footage may still get some."""
    missing_after: float = 60
    """How long what Frigate answers with 404 is asked for again."""
    tail_patience: float = 60
    """How long after its end a recording's last seconds are waited for."""
    tail_attempts: int = 20
    """How many times at most."""
    lookup: float = 2
    """How long MQTT may take to tell itself of an object that a review names."""
    lookup_patience: float = 120
    """How long the end of an object is waited for once its review is over."""
    catch_up: float = 900
    """How often Frigate's API is compared with the ledger."""
    catch_up_pause: float = 30
    """The shortest time between two of these comparisons."""
    poll: float = 60
    """How often Frigate is asked for its version: whether it answers."""
    shortest_poll: float = 1
    """The shortest time between two of these questions."""
    first_poll_retry: float = 5
    """How long after its first failure Frigate is asked again; it doubles to `poll`."""
    hint_retry: float = 1
    """The same after a hint that Frigate is back, when it is asked at once."""
    hint_pause: float = 8
    """How often such hints may begin the quick tries again."""
    clock_check: float = 2
    """How often the machine's clock is compared with one that is never set."""
    clock_tolerance: float = 5
    """By how much it may step meanwhile for it to count as drift."""
    least_patience: float = 60
    """How long nothing is given up after it was reported, or after a clock was set:
    Frigate's, too, may be set, and what is young then look old."""
    shaky: float = 60
    """How long a Frigate must answer to be back that was lost again sooner than that."""
    login_retry: float = 900
    """How long after Frigate refused the login it is asked again, hints or not."""
    probe: float = 300
    """How often an idle destination is looked at."""
    unanswered: float = 60
    """How long after a destination answers again it may yet carry out a request that got
    no answer."""
    audit: float = 86400
    """How often a sample of each destination's files is looked at."""
    audit_sample: int = 100
    late: float = 60
    """How long an upload may take from when it was to leave."""
    mqtt_silence: float = 600
    """How long nothing may come over MQTT while Frigate lives."""
    first_contact: float = 60
    """How long nothing need be known of a destination after a start."""
    ledger_patience: float = 30
    """How long the ledger may take to tell the status; on a disk that hangs it never
    does."""
    failure_pause: float = 5
    """How long nothing is tried after the ledger or the spool has failed."""
    home: float = 60
    """How often the ledger is written to, to see whether that works."""
    budget_flush: float = 2
    """How long what was sent may be counted in memory alone."""
    film_flush: float = 20
    """The same of live film, longer by that."""
    month_check: float = 60
    """How often it is looked whether a new month has begun."""
    calendar: Callable[[], float] = time.time
    """The clock that tells which month it is (epoch seconds)."""
    space: float = 5
    """How often it is looked whether Home Assistant's disk has space."""
    camera_absence: float = 86400
    """How long a camera must be missing from Frigate's configuration to go."""
    config: float = 300
    """How often Frigate's configuration is read."""
    stable: float = 600
    """How long something must have worked for its next failure to be a new outage."""
    forbidden_retry: float = 900
    """How long after Frigate refused a camera's media they are requested again; it
    doubles to a day."""
    review_pause: float = 0.5
    """The shortest time between two looks at the active reviews."""
    eviction_retry: float = 300
    """How long after a clip left the spool for others it is requested again."""
    too_large_check: float = 60
    """How often the clips are counted that are too large for the spool."""
    status_pause: float = 1
    """The shortest time between two statuses."""
    restart: float = 30
    """How long after a part of the engine ended by a bug it is started again."""
    keep: float = 90 * 86400
    """How long an item is remembered at least, once it is over."""
    retention: float = 60
    """How often copies are looked for whose retention is over."""
    retention_pause: float = 1
    """How long after some have expired the next may."""
    prune: float = 3600
    """How often items are looked for that need not be remembered any more."""
    prune_margin: float = 86400
    """What is kept besides what the next comparison may ask about."""
    drill_window: float = 120
    """How far back a drill looks for the last seconds that were recorded: Frigate has
    those of a working camera on its disk within half a minute."""
    drill_step: float = 60
    """How long one step of a drill may take, and longer by what is sent or read."""
    drill_rate: int = 16 * 1024
    """Bytes a second that a drill waits for: a bandwidth limit is no failure."""
    drill_farewell: float = 10
    """How long a failed drill may take to remove what it has sent."""
    live_hint: float = 15
    """How long after a first sign a review must follow, or the film is not watched."""
    live_fruitless: float = 60
    """How long after film left by a sign that no review followed none leaves by others."""
    live_news: float = 600
    """How long nothing may be heard of a review whose film is watched."""
    live_look: float = 1
    """How often it is looked whose film is to be watched, while there is any."""
    live_retry: float = 1
    """How long after a live film broke off it is begun again; it doubles."""
    live_longest_retry: float = 15
    live_take: float = 1800
    """How long a file of live film may become."""
    live_takes: int = 6
    """How many files a film may have begun within a minute; else stills are better."""
    live_jump: float = 1
    """By how much a film's clock may jump within a file."""
    live_keyframe: float = 15
    """How long pictures may come that can't be shown, for there is no keyframe."""
    live_behind: float = 1.5
    """How late a destination may be for a film before it continues with the newest; for
    pieces of one, later by the length of a piece."""
    live_left_out: float = 5
    """How much film must be left out for a destination that is too slow for it, within
    `live_left_out_in`, for the camera to be watched in fewer pixels."""
    live_left_out_in: float = 60
    live_piece: float = 2
    """How long the pieces are of a film that can't grow where it goes."""
    live_refused: float = 900
    """How long a camera that go2rtc refuses is seen in stills before it is asked for
    again."""
    live_patience: float = 5
    """How long no film may come of a camera of which Frigate has pictures."""
    live_blind: float = 120
    """How long it is then seen in stills before its film is asked for again."""
    live_still: float = 0.5
    """How often a camera is asked for a picture that go2rtc does not show."""
    live_break: float = 60
    """How long such pictures may fail to come before another file begins with them."""
    live_tick: float = 0.1
    """How long what comes is gathered before it is sent."""
    jitter: Callable[[float, float], float] = random.uniform
    """Returns a factor between two for the wait after a destination's failure, so
    that many destinations of one server don't come back in step."""
