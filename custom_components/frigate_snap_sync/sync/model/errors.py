"""What ledger and spool raise."""


class LedgerError(Exception):
    """The ledger can't be read or written; the text says why."""


class LedgerRefusal(LedgerError):
    """The ledger can't hold what it was given, and won't when it is asked again."""


class SpoolError(Exception):
    """The spool's disk refused; the text says why."""


class SpoolFull(SpoolError):
    """The spool has reached its limit."""
