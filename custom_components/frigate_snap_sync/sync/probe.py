"""The probe: the truthful test of a destination, leaving nothing behind."""

import asyncio
import logging
from pathlib import Path

from ..storage.base import Destination
from ..storage.check import check_destination, probe_name, remove_probe
from .ledger import Ledger, LedgerError, probes

_LOGGER = logging.getLogger(__name__)


class Probe:
    """Tests a destination, one test at a time.

    The name of its file is in the ledger before it is made: should Home Assistant
    be killed meanwhile, `clean` removes it.
    """

    def __init__(
        self,
        destination_id: str,
        destination: Destination,
        *,
        ledger: Ledger,
        workdir: Path,
    ) -> None:
        """Keep what it works with; `workdir` is a folder of this machine."""
        self._id = destination_id
        self._destination = destination
        self._ledger = ledger
        self._workdir = workdir
        self._lock = asyncio.Lock()

    async def check(self) -> None:
        """Write, read back and delete a file. Raises StorageError."""
        async with self._lock:
            name = probe_name()
            try:
                name = await self._ledger.run(probes.begin, self._id, name=name)
            except LedgerError as err:
                # Who asks wants to know of the destination, not of the ledger.
                _LOGGER.debug("A probe's name can't be kept: %s", err)
            await check_destination(self._destination, workdir=self._workdir, name=name)
            await self._forget()

    async def clean(self) -> None:
        """Remove what a killed test left. Raises StorageError or LedgerError."""
        async with self._lock:
            name = await self._ledger.run(probes.left, self._id)
            if name is not None:
                await remove_probe(self._destination, name)
                await self._ledger.run(probes.removed, self._id)

    async def _forget(self) -> None:
        try:
            await self._ledger.run(probes.removed, self._id)
        except LedgerError as err:
            _LOGGER.debug("A probe's end can't be kept: %s", err)
