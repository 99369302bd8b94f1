"""Frigate's version numbers."""

import pytest

from custom_components.frigate_snap_sync.frigate.version import FrigateVersion

from .recorded import VERSIONS, reply


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_versions(version: str) -> None:
    """What real ones say."""
    said = reply(version, "version").body.decode()
    parsed = FrigateVersion.parse(said)

    assert str(parsed) == said
    assert parsed == FrigateVersion.parse(version)
    assert parsed.supported


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0.17.2-3d4dd3a", (0, 17, 2)),
        ("0.14.0", (0, 14, 0)),
        ("0.15", (0, 15, 0)),
        ("v0.16.4\n", (0, 16, 4)),
        ("0.18.0-beta1", (0, 18, 0)),
        ("0.16.0-rc2+local.1", (0, 16, 0)),
        ("1.0.0-abc", (1, 0, 0)),
    ],
)
def test_parse(text: str, numbers: tuple[int, int, int]) -> None:
    """With and without a commit."""
    version = FrigateVersion.parse(text)

    assert (version.major, version.minor, version.patch) == numbers


@pytest.mark.parametrize(
    "text",
    ["", "dev", "17", "0.x", "<html>", "0.17.2-<b>", "99999.1", "0.1" + "-" + "a" * 99],
)
def test_parse_of_others(text: str) -> None:
    """What is no version."""
    with pytest.raises(ValueError, match="not a version"):
        FrigateVersion.parse(text)


def test_order() -> None:
    """By number, not by letter."""
    texts = ["0.9.4", "0.13.2", "0.14.0-abc", "0.17.2", "0.17.10", "0.18.0-e3fa701"]
    versions = [FrigateVersion.parse(text) for text in texts]

    assert sorted(versions[i] for i in (3, 0, 5, 1, 4, 2)) == versions
    assert [version.supported for version in versions] == [False] * 2 + [True] * 4
    assert FrigateVersion(0, 16) <= FrigateVersion.parse("0.16.0-abc")
    assert str(FrigateVersion(0, 14)) == "0.14.0"
