"""What can go wrong with Frigate, one class per cause.

The texts are for a log. They never hold a secret, a token, or an address with user
information in it; no more does what is said of a cause elsewhere.
"""

from ..cause import CausedError


class InvalidUrl(ValueError):
    """The text is not the `http://` or `https://` address of a host."""


class InvalidProxy(InvalidUrl):
    """The text is not the `http://` or `https://` address of a proxy."""


class MalformedMessage(ValueError):
    """Data of Frigate that can't be understood; the text says what is wrong."""


class ImageTooLarge(MalformedMessage):
    """An image over MQTT is larger than any that is kept."""


class FrigateError(CausedError):
    """Frigate could not do what was asked; the subclass says why."""

    code = "frigate_failed"


class FrigateUnreachable(FrigateError):
    """Nothing answers, the connection broke, or only a proxy in front answers.

    A 502, 503 or 504 counts as this: nginx stands before Frigate, in the
    container too, and answers so while Frigate itself starts or is away.
    """

    code = "frigate_away"


class FrigateTimeout(FrigateUnreachable):
    """Frigate did not answer in time."""

    code = "timeout_connect"


class FrigateTlsError(FrigateUnreachable):
    """No TLS connection: certificate refused, or only one side speaks TLS."""

    code = "ssl_error"


class FrigateAuthFailed(FrigateError):
    """Frigate wants a login, or refused the one it got."""

    code = "frigate_login_refused"


class FrigateForbidden(FrigateError):
    """The user is logged in but may not do this (role, or camera not allowed)."""

    code = "frigate_forbids"


class NotFrigate(FrigateError):
    """Something answers, but not as Frigate does (web page, redirect, no HTTP)."""

    code = "not_frigate"


class UnsupportedVersion(FrigateError):
    """Frigate is older than the oldest version this works with."""

    code = "unsupported_version"


class MediaGone(FrigateError):
    """Frigate says that it does not have this (any more)."""

    code = "frigate_has_not"


class MediaNeverThere(MediaGone):
    """Frigate knows no such thing, or that it has no media: they can't come late."""


class MediaNotReady(FrigateError):
    """Frigate has nothing to give yet: refused, or an empty answer."""

    code = "frigate_has_not"


class MediaBroken(FrigateError):
    """What came is not whole: cut off, hanging, or not the kind of file expected."""

    code = "footage_broken"


class FrigateServerError(FrigateError):
    """Frigate answered with a failure that has no cause of its own here.

    `status` is that of the HTTP answer, None where the answer itself was odd.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        hint: str = "",
        said: str = "",
    ) -> None:
        """Keep the status beside the message."""
        super().__init__(message, hint=hint, said=said)
        self.status = status


class UnreadableRows(FrigateServerError):
    """Frigate answered a list of which no row can be understood.

    A future Frigate may write its rows in another form: that is not "nothing there".
    """


class LiveRefused(FrigateError):
    """Frigate's go2rtc answers, but gives no film of this stream."""


class LiveDenied(LiveRefused):
    """Frigate gives no film, whatever the stream: a login is refused, or it fails."""
