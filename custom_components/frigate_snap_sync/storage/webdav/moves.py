"""MOVE, which gives what is on a WebDAV server another name."""

from http import HTTPStatus
from typing import Final

from .answers import Answer
from .files import DavFiles
from .settings import DestinationForm, destination_header

type Segments = tuple[str, ...]

_WRONG_FORM: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_GATEWAY)
"""How servers answer to a MOVE to a target that they don't take for their own."""


class Moves:
    """Asks for renamings, in the form of a target's name that the server takes."""

    def __init__(self, files: DavFiles, form: DestinationForm) -> None:
        """Begin with the form that was found out at set-up."""
        self.form = form
        self._files = files

    async def move(
        self,
        source: Segments,
        target: Segments,
        *,
        overwrite: bool = False,
        is_folder: bool = False,
    ) -> Answer:
        """Return the answer to a renaming. Raises `StorageError` if there is none."""
        addresses, client = self._files.addresses, self._files.client
        url = addresses.of(*target, is_folder=is_folder)
        others = [form for form in DestinationForm if form is not self.form]
        first: Answer | None = None
        for form in (self.form, *others):
            answer = await client.ask(
                "MOVE",
                addresses.of(*source, is_folder=is_folder),
                headers={
                    "Destination": destination_header(url, form),
                    "Overwrite": "T" if overwrite else "F",
                },
                seconds=client.limits.finish,
            )
            if answer.status not in _WRONG_FORM:
                if answer.is_success:
                    self.form = form
                return answer
            first = first or answer
        assert first is not None
        return first
