"""The ledger: one SQLite file that remembers every item, file and upload."""

from .database import Ledger, LedgerError, LedgerRefusal

__all__ = ["Ledger", "LedgerError", "LedgerRefusal"]
