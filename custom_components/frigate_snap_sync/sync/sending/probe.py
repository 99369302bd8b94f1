"""The probe: the end-to-end test of a destination in use, leaving nothing behind."""

import asyncio
import logging
from pathlib import Path

from ...storage.check import (
    CheckResult,
    check_destination,
    leftovers_of,
    probe_name,
    remove_leftovers,
)
from ...storage.layout import Layout
from ...storage.leftovers import Leftovers
from ...storage.probe_files import turn_of
from ..ledger import Ledger, LedgerError, probes
from ..model.destination_setup import DestinationSetup

_LOGGER = logging.getLogger(__name__)


class Probe:
    """Tests a destination, one test at a time.

    What it makes there is in the ledger before it is made: should Home Assistant be
    killed meanwhile, or the destination refuse to remove it, `clean` tries later.
    """

    def __init__(
        self, setup: DestinationSetup, *, ledger: Ledger, workdir: Path
    ) -> None:
        """Keep what it works with; `workdir` is a folder of this machine."""
        self.form = setup.temporary_form
        """That of temporary names which the destination takes, as far as is known."""
        self._setup = setup
        self._ledger = ledger
        self._workdir = workdir
        self._name = setup.probe or probe_name(setup.id)
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Recall what an earlier test has found out. Raises LedgerError."""
        form = await self._ledger.run(probes.form, self._setup.id)
        if form is not None:
            self.form = form

    async def check(self) -> None:
        """Do once all that uploads do. Raises StorageError."""
        async with self._lock:
            layout = self._setup.layout()
            if not self._setup.destination.capabilities.can_delete:
                # What it makes there stays, and is no leftover.
                await self._test(layout)
                return
            made = leftovers_of(self._name, layout)
            earlier = await self._begin(made)
            result = await self._test(layout)
            stays = await remove_leftovers(self._setup.destination, earlier - made)
            await self._keep(stays | result.left)

    async def _test(self, layout: Layout) -> CheckResult:
        result = await check_destination(
            self._setup.destination,
            workdir=self._workdir,
            name=self._name,
            layout=layout,
            form=self.form,
        )
        if result.form is not self.form:
            self.form = result.form
            await self._remember_form()
        return result

    async def clean(self) -> None:
        """Remove what a killed test left. Raises StorageError or LedgerError."""
        if not self._setup.destination.capabilities.can_delete:
            return
        async with self._lock, turn_of(self._name):
            left = await self._ledger.run(probes.left, self._setup.id)
            if left:
                stays = await remove_leftovers(self._setup.destination, left)
                if stays != left:
                    await self._ledger.run(probes.keep, self._setup.id, left=stays)

    async def _begin(self, made: Leftovers) -> Leftovers:
        try:
            return await self._ledger.run(probes.begin, self._setup.id, made=made)
        except LedgerError as err:
            # Who asks wants to know of the destination, not of the ledger.
            _LOGGER.debug("What a probe makes can't be kept: %s", err)
            return Leftovers()

    async def _remember_form(self) -> None:
        _LOGGER.info(
            "Destination %s takes temporary names of the form %s only",
            self._setup.name,
            self.form,
        )
        try:
            await self._ledger.run(probes.keep_form, self._setup.id, form=self.form)
        except LedgerError as err:
            _LOGGER.debug("The form of temporary names can't be kept: %s", err)

    async def _keep(self, left: Leftovers) -> None:
        try:
            await self._ledger.run(probes.keep, self._setup.id, left=left)
        except LedgerError as err:
            _LOGGER.debug("A probe's end can't be kept: %s", err)
