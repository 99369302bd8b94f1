"""Where a bucket is at its server, and whether it is there at all."""

import asyncio
from typing import Final

from ..errors import (
    AuthFailed,
    BucketNotFound,
    ClockSkew,
    PermissionDenied,
    StorageError,
    Throttled,
    WrongRegion,
)
from .answers import Answer, deletion_error, error_of, no_s3
from .client import BucketClient
from .listing import MAX_LIST, is_list
from .settings import Addressing, S3Settings, candidates

_FINAL: Final = (AuthFailed, ClockSkew, Throttled, WrongRegion)
"""Answers that would be the same at another form of the address."""


class Whereabouts:
    """Finds the form of the address at which the bucket answers."""

    def __init__(self, client: BucketClient, settings: S3Settings) -> None:
        """Ask nothing yet."""
        self.addressing = settings.addressing
        """None until it is found."""
        self.could_list = settings.can_list
        """Whether the key may list, or could before: then it sees what is missing."""
        self.prefix = f"{settings.path}/" if settings.path else ""
        self._client = client
        self._settings = settings
        self._finding = asyncio.Lock()

    async def find(self) -> Addressing:
        """Return the form of the address, found if need be. Raises `StorageError`."""
        if self.addressing is None:
            async with self._finding:
                if self.addressing is None:
                    await self._look()
        assert self.addressing is not None
        return self.addressing

    async def look(self) -> None:
        """See that the bucket is there. Raises `StorageError`.

        That is `PermissionDenied` for a key that could list and may not any more: it
        may have lost all its rights, and takes nothing for missing.
        """
        async with self._finding:
            await self._look()

    async def see_deleted(self, answer: Answer, what: str) -> None:
        """See that an answer shows that something is not there, or no longer.

        Raises the `StorageError` that it is, or of a server that says so of all.
        """
        error = deletion_error(answer, what, self._client.where)
        if error is not None:
            raise error
        if answer.status != 204 and not answer.is_s3:
            # No S3 server, and no proxy before one, would know the bucket then.
            await self.look()

    async def refusal(self, answer: Answer, what: str) -> StorageError:
        """Return the cause of a refusal to do `what`.

        Raises the `StorageError` of a bucket that is not there, of which a proxy with
        nothing but a status says nothing.
        """
        if answer.status in (403, 404) and not answer.text:
            await self.look()
        return error_of(answer, what, self._client.where)

    async def _look(self) -> None:
        """Ask for a list of one object: of all questions the one whose refusal tells.

        Who may write alone is refused, and has reached the bucket all the same.
        """
        first: StorageError | None = None
        known = self.addressing
        for addressing in (known,) if known else candidates(self._settings):
            try:
                await self._look_at(addressing)
            except _FINAL:
                raise
            except StorageError as err:
                first = first or err
            else:
                self.addressing = addressing
                return
        assert first is not None
        raise first

    async def _look_at(self, addressing: Addressing) -> None:
        answer = await self._client.ask(
            "GET",
            "",
            addressing,
            params={"list-type": "2", "max-keys": "1", "prefix": self.prefix},
            most=MAX_LIST,
        )
        if answer.status == 200:
            if not is_list(answer.body):
                raise no_s3(answer, self._client.where)
            self.could_list = True
            return
        if answer.status == 404 and not answer.body:
            raise BucketNotFound(f"{self._client.where} has nothing of that name")
        if 200 < answer.status < 300:
            raise no_s3(answer, self._client.where)
        error = error_of(answer, "look at the bucket", self._client.where)
        is_refused = type(error) is PermissionDenied and answer.code == "AccessDenied"
        if not is_refused or self.could_list:
            raise error
