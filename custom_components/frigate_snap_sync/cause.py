"""Why something failed, in a form that can be said in any language.

An error's own text is English, for the log and for diagnostics. What its owner reads
is made of the parts here, by `words`.
"""

from dataclasses import dataclass
from typing import ClassVar, Self


class CausedError(Exception):
    """An error with a cause; `code` is the stable name of that, one for each class.

    `hint` is a finer one, where there is more to say of it: with `about`, a name or a
    number for its text. `said` are the raw words of a server, a library or the
    operating system. `step` is what failed of an operation that has several.
    """

    code: ClassVar[str]
    step: str | None = None

    def __init__(
        self, message: str = "", *, hint: str = "", about: object = "", said: str = ""
    ) -> None:
        """Keep what is to be said beside the message."""
        super().__init__(message)
        self.hint = hint
        self.about = str(about)
        self.said = said


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The parts of an error that say why, as values."""

    code: str
    hint: str = ""
    about: str = ""
    said: str = ""
    step: str | None = None

    @classmethod
    def of(cls, error: CausedError) -> Self:
        """Return those of an error."""
        return cls(
            code=error.code,
            hint=error.hint,
            about=error.about,
            said=error.said,
            step=error.step,
        )
