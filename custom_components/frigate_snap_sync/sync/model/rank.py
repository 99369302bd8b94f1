"""The order of work: what is fetched and sent before what."""

from enum import IntEnum


class Rank(IntEnum):
    """The order of work: stills, then parts, then wholes; alerts before detections.

    Stretches of footage that a person asked for come last.
    """

    LIVE_SNAPSHOT = 0
    SNAPSHOT = 1
    ALERT_PART = 2
    DETECTION_PART = 3
    ALERT_CLIP = 4
    DETECTION_CLIP = 5
    RANGE_CLIP = 6
