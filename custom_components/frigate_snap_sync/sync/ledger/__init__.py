"""The ledger: one SQLite file that remembers every item, file and upload."""

from ..model.errors import LedgerError, LedgerRefusal
from .database import Ledger
from .opening import Origin

__all__ = ["Ledger", "LedgerError", "LedgerRefusal", "Origin"]
