"""Names that every destination takes."""

import pytest

from custom_components.frigate_snap_sync.storage.names import (
    TemporaryForm,
    clean_path,
    temporary_name,
)


@pytest.mark.parametrize(
    ("path", "cleaned"),
    [
        ("a/b.mp4", "a/b.mp4"),
        ("/a//b.mp4", "a/b.mp4"),
        ("../../etc/passwd", "etc/passwd.mp4"),
        ("a\\..\\b", "a/b.mp4"),
        ("./.hidden/.x.mp4", "_hidden/_x.mp4"),
        ("a. . /b", "a/b.mp4"),
        ("con/nul.mp4", "_con/_nul.mp4"),
        ('a:b*c?"<>|d', "a_b_c_____d.mp4"),
        ("a\x00\x1fb", "a__b.mp4"),
        ("a\ud800b", "a_b.mp4"),
        ("traffic light/x.mp4", "traffic light/x.mp4"),
        ("e\u0301", "\u00e9.mp4"),
        (".mp4", "_mp4.mp4"),
    ],
)
def test_paths_are_cleaned(path: str, cleaned: str) -> None:
    """What SMB, S3 or WebDAV refuse is replaced; nothing leaves the folder."""
    assert clean_path(path, "mp4") == cleaned


@pytest.mark.parametrize("path", ["", "/", "../..", " . / .. ", "a/" * 17 + "b"])
def test_paths_that_can_not_be(path: str) -> None:
    """An empty name, or a folder tree without end, is refused."""
    with pytest.raises(ValueError):
        clean_path(path, "mp4")


def test_a_file_being_written_lies_beside_its_final_name() -> None:
    """In the same folder, so that the rename is one step; hidden where that works."""
    assert temporary_name("a/b.mp4", "0123") == "a/.0123.tmp"
    assert temporary_name("b.mp4", "0123") == ".0123.tmp"
    assert temporary_name("a/b.mp4", "0123", TemporaryForm.PLAIN) == "a/0123.tmp"


def test_the_other_form() -> None:
    """What is tried when a server refuses one."""
    assert TemporaryForm.HIDDEN.other is TemporaryForm.PLAIN
    assert TemporaryForm.PLAIN.other is TemporaryForm.HIDDEN
