"""Templates of file names."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.frigate_snap_sync.const import MEDIA
from custom_components.frigate_snap_sync.path_template import (
    InvalidPathTemplate,
    PathTemplate,
    async_layout,
    samples,
)
from custom_components.frigate_snap_sync.storage.layout import Branch
from custom_components.frigate_snap_sync.sync.model.item import Media
from custom_components.frigate_snap_sync.sync.model.naming import NameValues
from homeassistant.core import HomeAssistant

START = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)


def test_samples_are_like_what_the_engine_gives() -> None:
    """The same variables, of the same types, for every kind of file."""
    names = {field.name for field in fields(NameValues)}
    for sample in samples(START):
        assert sample.keys() == names
        assert NameValues(**sample).start == START
    assert {sample["kind"] for sample in samples(START)} == {
        media.kind for media in Media
    }


def test_media_of_the_form() -> None:
    """The form offers what the engine knows."""
    assert set(MEDIA) == set(Media)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (
            "{{ camera }}/{{ start.strftime('%Y/%m') }}/{{ id }}.{{ extension }}",
            "front_door/2026/11/l0g9kw.mp4",
        ),
        ("{{ kind }}-{{ labels | join('+') }}-{{ id }}", "recording-person-l0g9kw"),
        ("  {{ camera | upper }}/{{ id }}\n", "FRONT_DOOR/l0g9kw"),
        ("{{ (end - start).seconds }} s {{ severity }}", "20 s alert"),
        ("{{ 2026 }}", "2026"),
        ("constant.mp4", "constant.mp4"),
    ],
)
async def test_render(hass: HomeAssistant, template: str, path: str) -> None:
    """What it gives is text, whatever it looks like."""
    recording = samples(START)[0]
    assert PathTemplate(hass, template).async_render(recording) == path


@pytest.mark.parametrize(
    "template",
    [
        "{{ camera",
        "{{ kamera }}",
        "{{ 1 / 0 }}",
        "/{{ id }}",
        "{{ id }}/",
        "{{ camera }}//{{ id }}",
        "../{{ id }}",
        "a\\..\\{{ id }}",
        "{{ '' }}",
        "{{ 'x' * 5000 }}",
        "{% if kind == 'live_snapshot' %}{% else %}{{ id }}{% endif %}",
    ],
)
async def test_invalid(hass: HomeAssistant, template: str) -> None:
    """Refused for one kind of file is refused."""
    with pytest.raises(InvalidPathTemplate):
        await PathTemplate(hass, template).async_validate()


async def test_valid(hass: HomeAssistant) -> None:
    """A template that is checked can be used."""
    template = PathTemplate(hass, "{{ camera }}/{{ kind }}-{{ id }}.{{ extension }}")
    await template.async_validate()
    assert template.async_render(samples(START)[2]).endswith("5f2a91c0.jpg")


NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "branches"),
    [
        (None, [Branch(today="2026-11-22")]),
        ("{{ id }}.{{ extension }}", [Branch()]),
        ("a:b/{{ start.year }}/x", [Branch(today="a_b/2026", fixed="a_b")]),
        (
            "{{ camera }}/{{ kind }}/{{ start.date() }}/x",
            [
                Branch(today=f"attic/{kind}/2026-11-22", fixed=f"attic/{kind}")
                for kind in ("recording", "snapshot", "live_snapshot")
            ],
        ),
        # What can't be rendered gives the default names, as it does for files.
        ("{{ zones[0] }}/x", [Branch(today="2026-11-22")]),
    ],
)
async def test_where_files_of_this_moment_lie(
    hass: HomeAssistant, freezer: Any, text: str | None, branches: list[Branch]
) -> None:
    """What changes with the time is told from what doesn't."""
    await hass.config.async_set_time_zone("UTC")
    freezer.move_to(NOW)
    template = None if text is None else PathTemplate(hass, text)
    assert async_layout(template, ["attic", "cellar"]).branches == tuple(branches)


async def test_where_files_lie_without_a_camera(hass: HomeAssistant) -> None:
    """Before Frigate has told of one."""
    template = PathTemplate(hass, "{{ camera }}/x")
    assert async_layout(template, []).branches[0].today == "front_door"
