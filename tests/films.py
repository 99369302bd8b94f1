"""Films of any length that are whole from outside: boxes in good order, no pictures."""

import struct


def box(kind: bytes, content: bytes = b"") -> bytes:
    """Return a box of an MP4 file."""
    return struct.pack(">I4s", len(content) + 8, kind) + content


def full(content: bytes, flags: int = 0) -> bytes:
    """Return the content of a box with version 0 and flags."""
    return struct.pack(">I", flags) + content


def film(seconds: float, *, gop: float = 1) -> bytes:
    """Return an MP4 in fragments, as Frigate 0.15+ gives them.

    Each fragment begins with a keyframe and lasts `gop` seconds, the last one less.
    """
    tkhd = box(b"tkhd", full(struct.pack(">3I", 0, 0, 1)))
    mdhd = box(b"mdhd", full(struct.pack(">4I", 0, 0, 1000, 0)))
    hdlr = box(b"hdlr", full(bytes(4) + b"vide" + bytes(12)))
    trex = box(b"trex", full(struct.pack(">5I", 1, 1, 0, 4, 0)))
    parts = [
        box(b"ftyp", b"isom"),
        box(
            b"moov",
            box(b"trak", tkhd + box(b"mdia", mdhd + hdlr)) + box(b"mvex", trex),
        ),
    ]
    left = round(seconds * 1000)
    while left > 0:
        length = min(left, round(gop * 1000))
        tfhd = box(b"tfhd", full(struct.pack(">II", 1, length), 0x8))
        trun = box(b"trun", full(struct.pack(">I", 1)))
        parts += [
            box(b"moof", box(b"mfhd") + box(b"traf", tfhd + trun)),
            box(b"mdat", b"data"),
        ]
        left -= length
    return b"".join(parts) + box(b"mfra")
