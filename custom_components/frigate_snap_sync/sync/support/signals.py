"""Signals: what one part of the engine lets the others know, without knowing them."""

from collections.abc import Callable, Collection

from ..model.status import Picture, UploadEvent


class Signal[*Values]:
    """Calls all who subscribed, one after the other, each time that it is called."""

    def __init__(self) -> None:
        """Begin without subscribers."""
        self._subscribers: list[Callable[[*Values], object]] = []

    def subscribe(self, *subscribers: Callable[[*Values], object]) -> None:
        """Let these be called from now on, in this order."""
        self._subscribers += subscribers

    def __call__(self, *values: *Values) -> None:
        """Call the subscribers."""
        for subscriber in self._subscribers:
            subscriber(*values)


class Signals:
    """All signals of one engine; `assembly` connects them, its parts send them."""

    def __init__(self) -> None:
        """Begin without subscribers."""
        self.files_wanted = Signal[()]()
        """There is something to fetch from Frigate."""
        self.files_ready = Signal[Collection[str]]()
        """Files for the destinations of these ids lie in the spool."""
        self.reviews_running = Signal[()]()
        """Something was said of a review that is still running."""
        self.camera_alive = Signal[str]()
        """A first sign came that something happens before a camera."""
        self.review_heard = Signal[str]()
        """There is news of the active review of this id."""
        self.review_begun = Signal[str]()
        """The review of this id was reported for the first time, and is active."""
        self.review_unsure = Signal[str]()
        """Frigate's API is to be asked about the review of this id."""
        self.messages_missed = Signal[()]()
        """Messages were dropped, and the API is to tell what they said."""
        self.frigate_back = Signal[()]()
        """Frigate answers again, or was asked for all that it has."""
        self.status_changed = Signal[()]()
        """Something that the entities show may have changed."""
        self.upload_ended = Signal[UploadEvent]()
        """An item arrived at a destination, or never will."""
        self.pictured = Signal[Picture]()
        """An image came that is to be kept."""
