"""The ledger: one SQLite file that remembers every item, file and upload."""

from .database import Ledger
from .errors import LedgerError, LedgerRefusal
from .opening import Origin

__all__ = ["Ledger", "LedgerError", "LedgerRefusal", "Origin"]
