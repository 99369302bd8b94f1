"""Templates of file names."""

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from custom_components.frigate_snap_sync.const import MEDIA
from custom_components.frigate_snap_sync.path_template import (
    InvalidPathTemplate,
    PathTemplate,
    samples,
)
from custom_components.frigate_snap_sync.sync.items import Media
from custom_components.frigate_snap_sync.sync.naming import NameValues
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
