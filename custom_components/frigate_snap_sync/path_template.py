"""Templates of file names: Home Assistant templates over the values of an item."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import TemplateError
from homeassistant.helpers.template import Template
from homeassistant.util import dt as dt_util

from .cause import CausedError
from .const import LOGGER
from .storage.layout import Layout, dated_layout, layout_of
from .storage.names import clean_path

_TIME_LIMIT: Final = 1.0
_MAX_LENGTH: Final = 4096
_CAMERA: Final = "front_door"
_AGO: Final = timedelta(days=400, hours=13, minutes=31)
"""Back to another hour of another day of another month of another year."""


class InvalidPathTemplate(CausedError, ValueError):
    """The template can't be rendered, or what it gives is not a relative path."""

    code = "template_error"


class PathTemplate:
    """A template that gives the path of a file below a destination's root."""

    def __init__(self, hass: HomeAssistant, text: str) -> None:
        """Keep the template; it is compiled when first rendered."""
        self._template = Template(text, hass)

    @callback
    def async_render(self, variables: Mapping[str, Any]) -> str:
        """Return the path for the variables, in the event loop.

        An unknown variable is an error, so that a misspelled one is noticed.
        Raises InvalidPathTemplate.
        """
        try:
            path = cast(
                str,
                self._template.async_render(
                    dict(variables), parse_result=False, strict=True
                ),
            ).strip()
        except TemplateError as err:
            raise InvalidPathTemplate(str(err), said=str(err)) from err
        segments = path.replace("\\", "/").split("/")
        if len(path) > _MAX_LENGTH or not all(segments) or ".." in segments:
            raise InvalidPathTemplate(
                "not a relative path of a file", hint="template_no_path"
            )
        return path

    async def async_validate(self) -> None:
        """Render samples of every kind of file; raise InvalidPathTemplate.

        A template that needs over a second would hold up Home Assistant.
        """
        for variables in samples(dt_util.now()):
            try:
                too_slow = await self._template.async_render_will_timeout(
                    _TIME_LIMIT, variables, strict=True
                )
            except TemplateError as err:
                raise InvalidPathTemplate(str(err), said=str(err)) from err
            if too_slow:
                raise InvalidPathTemplate(
                    "rendering takes too long", hint="template_too_slow"
                )
            self.async_render(variables)


@callback
def async_layout(template: PathTemplate | None, cameras: Sequence[str]) -> Layout:
    """Return the folders that files of this moment go to; None: by the default names.

    Of the cameras that there are the first is taken, so that its folder may be there,
    too. A template that can't be rendered now gives the default names, as it does for
    files.
    """
    now, camera = dt_util.now(), cameras[0] if cameras else _CAMERA
    if template is None:
        return dated_layout(now)
    try:
        return layout_of(
            (
                _rendered(template, {**today, "camera": camera}),
                _rendered(template, {**other, "camera": camera}),
            )
            for today, other in zip(samples(now), samples(now - _AGO), strict=True)
        )
    except ValueError as err:
        LOGGER.debug("The path template gives no path: %s", err)
        return dated_layout(now)


def _rendered(template: PathTemplate, variables: dict[str, Any]) -> str:
    return clean_path(template.async_render(variables), variables["extension"])


def samples(start: datetime) -> tuple[dict[str, Any], ...]:
    """Return the variables of one made-up item of every kind."""
    common = {"camera": _CAMERA, "label": "person", "start": start}
    recording = {
        **common,
        "kind": "recording",
        "labels": ("person",),
        "severity": "alert",
        "zones": ("porch",),
        "end": start + timedelta(seconds=20),
        "id": "l0g9kw",
        "extension": "mp4",
    }
    snapshot = {**recording, "kind": "snapshot", "id": "ju3il8", "extension": "jpg"}
    live_snapshot = {
        **snapshot,
        "kind": "live_snapshot",
        "severity": "",
        "zones": (),
        "id": "5f2a91c0",
    }
    return recording, snapshot, live_snapshot
