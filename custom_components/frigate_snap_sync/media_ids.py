"""How a file at a destination is named in Home Assistant: its URL, its media id."""

from contextvars import Context
from typing import Final

from homeassistant.components.media_player import async_process_play_media_url
from homeassistant.components.media_source import generate_media_source_id
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .stored_files import FileKey

FILE_URL: Final = f"/api/{DOMAIN}/file/{{entry_id}}/{{kind}}/{{token}}/{{name}}"
"""The path by which a file is served."""


def file_path(entry_id: str, key: FileKey) -> str:
    """Return the path of a file's URL; it needs a login, or a signature."""
    return FILE_URL.format(
        entry_id=entry_id, kind=key.media.kind, token=key.token, name=key.name
    )


@callback
def async_signed_path(hass: HomeAssistant, entry_id: str, key: FileKey) -> str:
    """Return a path that may be opened without a login for a day.

    Home Assistant accepts no signature from before its last start. It signs for the
    user whose request this is; here that is none's, even if one has set up the entry.
    """
    return Context().run(
        async_process_play_media_url,
        hass,
        file_path(entry_id, key),
        allow_relative_url=True,
    )


def file_identifier(entry_id: str, key: FileKey) -> str:
    """Return the identifier of a file in the media source."""
    return f"{entry_id}/file/{key.media.kind}/{key.token}/{key.name}"


def media_content_id(entry_id: str, key: FileKey) -> str:
    """Return the media id by which a file is played."""
    return generate_media_source_id(DOMAIN, file_identifier(entry_id, key))


def mime_type(key: FileKey) -> str:
    """Return the kind of a file's content."""
    return "video/mp4" if key.is_video else "image/jpeg"
