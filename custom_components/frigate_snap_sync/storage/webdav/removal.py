"""The removal of an empty folder, for which WebDAV has no request."""

from contextlib import suppress
from http import HTTPStatus
from secrets import token_hex

from ..errors import PermissionDenied, Rejected, StorageError
from .answers import Answer, refusal
from .files import DavFiles
from .moves import Moves, Segments


async def remove_empty(
    files: DavFiles, moves: Moves, folder: Segments, *, is_new: bool = False
) -> None:
    """Remove a folder if there is nothing in it; succeeds when there is none.

    DELETE takes all that is in a folder with it, also what somebody has put there
    since we looked. So the folder first gets a name that only we know: what is put
    there from then on no longer comes into it. What came before is seen, and gets its
    name back. A crash leaves an empty folder of that name at most.

    nginx lists nothing that begins with a dot, and some servers are set up so: there
    a folder stays, but for one that `is_new`, which we have made just now. Raises
    `StorageError`.
    """
    name = "/".join(folder)
    found = await files.find(*folder, is_folder=True)
    if found is None:
        return
    if not found.is_folder:
        raise Rejected(f"{name} is no folder")
    if inside := await files.inside(folder):
        raise Rejected(f"The folder {name} has {inside[0]} in it")
    aside = (*folder[:-1], f"frigate_snap_sync-empty-{token_hex(6)}")
    try:
        answer = await moves.move(folder, aside, is_folder=True)
        if not _is_done(answer):
            raise refusal(answer, f"remove the folder {name}", files.client.where)
        if not is_new and not await _lists_hidden(files, aside):
            raise PermissionDenied(
                f"The server does not list hidden files: {name} may have some in it"
            )
        inside = await files.inside(aside)
        if not inside:
            await files.remove(*aside, is_folder=True)
            return
    except StorageError:
        # It may have been renamed although the answer got lost.
        with suppress(StorageError):
            await moves.move(aside, folder, is_folder=True)
        raise
    await _put_back(files, moves, aside, folder, inside)
    raise Rejected(f"The folder {name} has {inside[0]} in it")


async def _lists_hidden(files: DavFiles, folder: Segments) -> bool:
    """Try whether the server lists what begins with a dot."""
    hidden = f".frigate_snap_sync-{token_hex(6)}"
    answer = await files.make_folder(*folder, hidden)
    if not answer.is_success:
        return False
    try:
        return hidden in await files.inside(folder)
    finally:
        await files.remove(*folder, hidden, is_folder=True)


async def _put_back(
    files: DavFiles,
    moves: Moves,
    aside: Segments,
    folder: Segments,
    inside: list[str],
) -> None:
    """Give a folder its name back, or what is in it, if there is a new one by now."""
    answer = await moves.move(aside, folder, is_folder=True)
    if answer.status == HTTPStatus.PRECONDITION_FAILED:
        for name in inside:
            found = await files.find(*aside, name)
            answer = await moves.move(
                (*aside, name),
                (*folder, name),
                is_folder=found is not None and found.is_folder,
            )
            if not _is_done(answer):
                break
        else:
            await remove_empty(files, moves, aside)
    if not _is_done(answer):
        what = f"rename {'/'.join(aside)} back to {'/'.join(folder)}"
        raise refusal(answer, what, files.client.where)


def _is_done(answer: Answer) -> bool:
    return answer.is_success and answer.status != HTTPStatus.MULTI_STATUS
