"""The boxes of an MP4 file (ISO/IEC 14496-12): where one begins and ends."""

from collections.abc import Iterator
from typing import Final

from .errors import MediaBroken

_MAX_CHILDREN: Final = 10_000


def header(head: bytes, position: int, size: int) -> tuple[bytes, int, int]:
    """Return kind, start of content, and end of the box at `position`.

    `head` is what lies there, up to 16 bytes, and `size` where it must end.
    """
    if len(head) < 8:
        raise MediaBroken("MP4 is cut off in the head of a box")
    length = int.from_bytes(head[:4])
    body = position + 8
    if length == 1:
        if len(head) < 16:
            raise MediaBroken("MP4 is cut off in the head of a box")
        length = int.from_bytes(head[8:])
        body = position + 16
    elif length == 0:
        # "Up to the end of the file": what a writer puts there first and
        # replaces when it has finished
        raise MediaBroken("MP4 was not finished")
    end = position + length
    if end < body:
        raise MediaBroken("MP4 has a box that is too small")
    if end > size:
        raise MediaBroken("MP4 is cut off")
    return head[4:8], body, end


def children(content: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and content of the boxes in a box."""
    position = 0
    for _ in range(_MAX_CHILDREN):
        if position == len(content):
            return
        head = bytes(content[position : position + 16])
        kind, body, end = header(head, position, len(content))
        yield kind, content[body:end]
        position = end
    raise MediaBroken("MP4 has too many boxes")


def child(content: memoryview, *path: bytes) -> memoryview | None:
    """Return the content of the first box at `path` below, if there is one."""
    for name in path:
        for kind, inner in children(content):
            if kind == name:
                content = inner
                break
        else:
            return None
    return content
