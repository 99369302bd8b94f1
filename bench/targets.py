"""What is wanted: the limits that the figures are held to.

Ratios are the other's seconds divided by ours: above 1 we are faster.
"""

from collections.abc import Mapping
from typing import Final

from .report import Wanted
from .transfers import Name

BIG: Final[Mapping[Name, Wanted]] = {
    Name.SFTP: Wanted.at_least(1.0),
    Name.RCLONE: Wanted.at_least(1.3),
    Name.PARAMIKO: Wanted.at_least(1.8),
}
SMALL: Final[Mapping[Name, Wanted]] = {
    Name.SFTP: Wanted.at_least(0.9),
    Name.RCLONE_PLAIN: Wanted.at_least(0.9),
}
LINK_BIG: Final[Mapping[Name, Wanted]] = {
    Name.RAW: Wanted.at_least(0.9),
    Name.SFTP: Wanted.at_least(1.15),
    Name.RCLONE: Wanted.at_least(1.5),
}
LINK_SMALL: Final[Mapping[Name, Wanted]] = {
    Name.SFTP: Wanted.at_least(4.0),
    Name.RCLONE: Wanted.at_least(2.5),
    Name.RCLONE_PLAIN: Wanted.at_least(2.5),
}
S3_BIG: Final[Mapping[Name, Wanted]] = {
    Name.RCLONE: Wanted.at_least(0.9),
    Name.BOTO3: Wanted.at_least(0.9),
}
S3_SMALL: Final[Mapping[Name, Wanted]] = {
    Name.RCLONE_8: Wanted.at_least(0.9),
    Name.BOTO3: Wanted.at_least(2.0),
}
WEBDAV_BIG: Final[Mapping[Name, Wanted]] = {Name.CURL: Wanted.at_least(0.9)}
WEBDAV_SMALL: Final[Mapping[Name, Wanted]] = {Name.RCLONE: Wanted.at_least(2.0)}
STORE_MEMORY: Final = Wanted.at_most(16, "MiB")

DELAY_P50: Final = Wanted.at_most(1, "ms")
DELAY_P99: Final = Wanted.at_most(5, "ms")
"""Of the event loop, above idle."""

DELAY_RATIO: Final = Wanted.at_most(0.33)
"""Of the p99, to that with asyncssh's defaults."""

MEMORY: Final = Wanted.at_most(32, "MiB")
MEMORY_DIFFERENCE: Final = Wanted.at_most(8, "MiB")
"""Between the largest and the smallest recording: the same, but for the noise."""

DOWNLOADS: Final = Wanted.exactly(1)
"""Of one recording, whatever the number of destinations."""

SNAPSHOT: Final = Wanted.at_most(60, "ms")
SNAPSHOT_RATIO: Final = Wanted.at_most(0.25)
"""Warm to cold."""

LIMIT_LOWEST: Final = Wanted.at_least(475, "KiB/s")
LIMIT_HIGHEST: Final = Wanted.at_most(525, "KiB/s")
"""Of 500, in any ten seconds."""
LIMIT_STILL: Final = Wanted.at_most(600, "ms")
"""Alone it takes 200, and a slice of a recording may be on its way."""

START: Final = Wanted.at_most(1, "s")
UPLOAD_RATIO: Final = Wanted.at_most(1.5)
"""Of the cost with a history to that without."""

FLEET_LOST: Final = Wanted.exactly(0)
FLEET_PUTS: Final = Wanted.exactly(1)
"""Requests for each file that a key which can only write sends."""
FLEET_MEMORY: Final = Wanted.at_most(32, "MiB")
"""Of one home at its highest: what a recording alone may take."""
FLEET_CALM: Final = Wanted.at_most(1, "s")
"""Of the 95th percentile, from the message until the copy is verified."""

LIVE_CPU: Final = Wanted.at_most(6, "%")
LIVE_MEMORY: Final = Wanted.at_most(8, "MiB")
LIVE_PARTS: Final = Wanted.at_least(80, "%")

FOLLOW: Final = Wanted.at_most(1.15)
"""Of the longer of download and upload alone: one after the other takes both."""
