"""The media browser: what lies at the destinations, by camera and day."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import override
from urllib.parse import quote, unquote

from homeassistant.components.media_player import (
    BrowseError,
    BrowseMedia,
    MediaClass,
    MediaType,
    SearchMedia,
    SearchMediaQuery,
)
from homeassistant.components.media_source import (
    BrowseMediaSource,
    MediaSource,
    MediaSourceItem,
    PlayMedia,
    Unresolvable,
)
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import FrigateSnapSyncConfigEntry
from .media_ids import file_identifier, file_path, mime_type
from .stored_files import (
    MAX_ITEMS,
    FileKey,
    LedgerError,
    Media,
    MediaFile,
    Playback,
    Role,
    Severity,
    ShownNames,
)
from .words import async_why, async_word, duration_text

_HOUR = 1
_DAY = 24


async def async_get_media_source(hass: HomeAssistant) -> SnapSyncMediaSource:
    """Return the media source; Home Assistant asks once."""
    return SnapSyncMediaSource(hass)


class SnapSyncMediaSource(MediaSource):
    """Frigate, camera, day, and what lies at a destination of that day.

    Identifiers are `entry/camera/day/hour`, each further right may be missing, and
    `entry/file/kind/id/name`. The hour is there on days with very much.
    """

    name = "Frigate Snap Sync"

    def __init__(self, hass: HomeAssistant) -> None:
        """Show all entries."""
        super().__init__(DOMAIN)
        self.hass = hass

    @override
    async def async_resolve_media(self, item: MediaSourceItem) -> PlayMedia:
        """Return where a file is played from."""
        parts = (item.identifier or "").split("/")
        try:
            entry_id, _, *names = parts
            key = FileKey.parse(*names)
        except (ValueError, TypeError) as err:
            raise Unresolvable(
                translation_domain=DOMAIN, translation_key="media_not_found"
            ) from err
        if self._entry(entry_id) is None:
            raise Unresolvable(
                translation_domain=DOMAIN, translation_key="frigate_not_loaded"
            )
        return PlayMedia(file_path(entry_id, key), mime_type(key))

    @override
    async def async_browse_media(self, item: MediaSourceItem) -> BrowseMediaSource:
        """Return a folder with what is in it."""
        if not item.identifier:
            return self._root()
        entry_id, *rest = item.identifier.split("/")
        entry = self._loaded(entry_id)
        playback = entry.runtime_data.playback
        camera, *when = [_name(part) for part in rest] or [""]
        with _ledger_errors(self.hass):
            if not camera:
                return await self._cameras(entry)
            if not when:
                return self._folder(
                    (entry_id, camera),
                    _camera_name(entry, camera),
                    [
                        self._folder((entry_id, camera, name), name)
                        for name in map(_day_name, await playback.days(camera))
                    ],
                )
            return await self._files(playback, (entry_id, camera, *when))

    @override
    async def async_search_media(
        self, item: MediaSourceItem, query: SearchMediaQuery
    ) -> SearchMedia:
        """Return the newest files that fit all words: labels, zones, cameras, days."""
        # It may be None, whatever its type says.
        entry_id, *rest = (item.identifier or "").split("/")
        entries = [self._loaded(entry_id)] if entry_id else self._entries()
        camera = _name(rest[0]) if rest else None
        classes = set(query.media_filter_classes or ())
        is_video: bool | None = None
        if classes & {MediaClass.VIDEO, MediaClass.IMAGE}:
            if not classes >= {MediaClass.VIDEO, MediaClass.IMAGE}:
                is_video = MediaClass.VIDEO in classes
        elif classes:
            return SearchMedia(result=[])
        found: list[tuple[float, BrowseMedia]] = []
        with _ledger_errors(self.hass):
            for entry in entries:
                playback = entry.runtime_data.playback
                for file in await playback.search(
                    query.search_query,
                    camera=camera,
                    is_video=is_video,
                    shown=self._shown_names(entry),
                ):
                    begin = datetime.fromtimestamp(file.start, playback.time_zone)
                    title = f"{_day_name(begin)} {self._title(playback, file)}"
                    shown = self._file(
                        entry.entry_id,
                        file,
                        f"{title}, {_camera_name(entry, file.camera)}",
                    )
                    found.append((file.start, shown))
        found.sort(key=lambda each: -each[0])
        return SearchMedia(result=[shown for _, shown in found])

    async def _cameras(self, entry: FrigateSnapSyncConfigEntry) -> BrowseMediaSource:
        """Return a Frigate, each camera with its newest picture."""
        playback = entry.runtime_data.playback
        folders: list[BrowseMediaSource] = []
        for name in await playback.cameras():
            folder = self._folder((entry.entry_id, name), _camera_name(entry, name))
            if (picture := await playback.picture(name)) is not None:
                folder.thumbnail = file_path(entry.entry_id, picture)
            folders.append(folder)
        return self._folder((entry.entry_id,), entry.title, folders)

    async def _files(
        self, playback: Playback, path: tuple[str, ...]
    ) -> BrowseMediaSource:
        """Return a day or an hour of a camera."""
        entry_id, camera, day, *hour = path
        try:
            begin = datetime.strptime(day, "%Y-%m-%d").replace(
                tzinfo=playback.time_zone
            )
            if hour:
                begin = datetime.fromtimestamp(int(hour[0]), playback.time_zone)
        except (ValueError, OverflowError, OSError) as err:
            raise BrowseError(
                translation_domain=DOMAIN, translation_key="media_not_found"
            ) from err
        hours = _HOUR if hour else _DAY
        more = await playback.count(camera, begin, hours=hours) - MAX_ITEMS
        if more > 0 and not hour:
            return self._folder(
                path,
                day,
                [
                    self._folder((*path, str(int(each.timestamp()))), f"{each:%H:%M}")
                    for each in await playback.hours(camera, begin)
                ],
            )
        files = await playback.files(camera, begin, hours=hours)
        folder = self._folder(
            path,
            f"{begin:%H:%M}" if hour else day,
            [self._file(entry_id, file, self._title(playback, file)) for file in files],
        )
        folder.not_shown = max(0, more)
        return folder

    def _root(self) -> BrowseMediaSource:
        return self._folder(
            (),
            str(self.name),
            [self._folder((entry.entry_id,), entry.title) for entry in self._entries()],
        )

    def _folder(
        self,
        path: tuple[str, ...],
        title: str,
        children: list[BrowseMediaSource] | None = None,
    ) -> BrowseMediaSource:
        return BrowseMediaSource(
            domain=DOMAIN,
            identifier="/".join(quote(part, safe="") for part in path),
            media_class=MediaClass.DIRECTORY,
            media_content_type=MediaType.VIDEO,
            title=title,
            can_play=False,
            can_expand=True,
            can_search=True,
            search_media_classes=[MediaClass.VIDEO, MediaClass.IMAGE],
            children=children,
        )

    def _file(self, entry_id: str, file: MediaFile, title: str) -> BrowseMediaSource:
        kind = MediaClass.IMAGE
        if file.key.is_video:
            kind = MediaClass.VIDEO
        return BrowseMediaSource(
            domain=DOMAIN,
            identifier=file_identifier(entry_id, file.key),
            media_class=kind,
            media_content_type=mime_type(file.key),
            title=title,
            can_play=True,
            can_expand=False,
            thumbnail=(
                None if file.thumbnail is None else file_path(entry_id, file.thumbnail)
            ),
        )

    @callback
    def _title(self, playback: Playback, file: MediaFile) -> str:
        """Return what a file shows: when, what, how long, how serious.

        A tile shows the first twenty letters of it.
        """
        words = [", ".join(file.labels)]
        if file.key.media is Media.RECORDINGS:
            if file.end is not None:
                words.append(duration_text(file.end - file.start))
            if file.severity is not None:
                words.append(async_word(self.hass, file.severity))
            if file.key.role is not Role.WHOLE:
                words.append(self._role(file.key))
        else:
            is_live = file.key.media is Media.LIVE_SNAPSHOTS
            key = "tile_live_snapshot" if is_live else file.key.media.kind
            words.append(async_word(self.hass, key))
        begin = datetime.fromtimestamp(file.start, playback.time_zone)
        return f"{begin:%H:%M} {', '.join(word for word in words if word)}"

    def _shown_names(self, entry: FrigateSnapSyncConfigEntry) -> ShownNames:
        """Return what cameras and severities are called here."""
        return ShownNames(
            cameras={
                name: _camera_name(entry, name)
                for name in entry.runtime_data.data.cameras
            },
            severities={each: async_word(self.hass, each) for each in Severity},
        )

    def _role(self, key: FileKey) -> str:
        """Return what a file is to its recording; of film in pieces, which one."""
        word = async_word(self.hass, key.role)
        piece = key.film[1] if key.role is Role.LIVE else None
        return word if piece is None else f"{word} {piece}"

    def _entries(self) -> list[FrigateSnapSyncConfigEntry]:
        entries: list[FrigateSnapSyncConfigEntry] = (
            self.hass.config_entries.async_loaded_entries(DOMAIN)
        )
        return sorted(entries, key=lambda entry: entry.title)

    def _entry(self, entry_id: str) -> FrigateSnapSyncConfigEntry | None:
        entry: FrigateSnapSyncConfigEntry | None = (
            self.hass.config_entries.async_get_entry(entry_id)
        )
        if entry is None or entry.domain != DOMAIN:
            return None
        return entry if entry.state is ConfigEntryState.LOADED else None

    def _loaded(self, entry_id: str) -> FrigateSnapSyncConfigEntry:
        if (entry := self._entry(entry_id)) is None:
            raise BrowseError(
                translation_domain=DOMAIN, translation_key="frigate_not_loaded"
            )
        return entry


def _camera_name(entry: FrigateSnapSyncConfigEntry, camera: str) -> str:
    """Return what Frigate's owner calls a camera, as its device is called."""
    known = entry.runtime_data.data.cameras.get(camera)
    return camera if known is None else known.display_name or camera


def _name(part: str) -> str:
    """Return what a part of an identifier stands for; half a letter is none."""
    return unquote(part).encode(errors="replace").decode()


def _day_name(day: datetime) -> str:
    return f"{day:%Y-%m-%d}"


@contextmanager
def _ledger_errors(hass: HomeAssistant) -> Iterator[None]:
    """Turn a failure of the ledger into one that the media browser shows."""
    try:
        yield
    except LedgerError as err:
        raise BrowseError(
            translation_domain=DOMAIN,
            translation_key="ledger_not_usable",
            translation_placeholders={"error": async_why(hass, err)},
        ) from err
