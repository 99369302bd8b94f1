"""The kinds of destinations: one row each, for all who must tell them apart.

The row of a kind's flow is in `flows.kinds`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
import json
from pathlib import Path
from typing import Any, Final

import aiohttp

from homeassistant.const import (
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PATH,
    CONF_PORT,
    CONF_URL,
    CONF_USERNAME,
    CONF_VERIFY_SSL,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_create_clientsession

from .const import (
    CONF_ACCESS_KEY_ID,
    CONF_ADDRESSING,
    CONF_APPEND_ONLY,
    CONF_BANDWIDTH_LIMIT,
    CONF_BUCKET,
    CONF_CAN_DELETE,
    CONF_CAN_LIST,
    CONF_CAN_READ,
    CONF_ENDPOINT_URL,
    CONF_HOST_KEY,
    CONF_MOUNT_POINT,
    CONF_PASSPHRASE,
    CONF_PRIVATE_KEY,
    CONF_PROOF,
    CONF_PUBLIC_KEY,
    CONF_REGION,
    CONF_SECRET_ACCESS_KEY,
    CONF_VERIFY_CHECKSUM,
    SECTION_STORING,
    SUBENTRY_LOCAL,
    SUBENTRY_S3,
    SUBENTRY_SFTP,
    SUBENTRY_WEBDAV,
)
from .storage.base import Destination
from .storage.check import probe_name
from .storage.errors import (
    AuthFailed,
    BucketNotFound,
    CertificateRefused,
    ClockSkew,
    ConnectTimeout,
    HostKeyChanged,
    InvalidKey,
    NoSftp,
    NoSpace,
    NotWebdav,
    PermissionDenied,
    Redirected,
    StorageError,
    Throttled,
    Unreachable,
    Unusable,
    WrongRegion,
)
from .storage.local.destination import LocalDestination
from .storage.s3.destination import S3Destination
from .storage.s3.settings import Addressing, Proof, S3Settings
from .storage.sftp.destination import SftpDestination, SftpSettings
from .storage.webdav.destination import WebdavDestination
from .storage.webdav.settings import FORM_FIELD, DestinationForm, WebdavSettings
from .storage.wrappers import wrapped
from .storage.wrappers.append_only import may_replace

_BYTES_PER_KIBIBYTE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How a kind logs in: what a repair asks for when the login is refused.

    `server` and `account` are the fields of its data that say where and as whom.
    `fields` returns those that a person can type again, for the stored data; each has
    its selector in `flows.credentials`. `belongs_to` names the field that another one
    belongs to: it is forgotten when that one is typed. Those that are `stripped` lose
    blanks around them, as in the form of the destination. `our_key` returns the public
    half of a key that we made, if it is the only way to log in: the owner has to allow
    it there.
    """

    server: str
    account: str
    fields: Callable[[Mapping[str, Any]], tuple[str, ...]]
    belongs_to: Mapping[str, str] = field(default_factory=dict)
    stripped: frozenset[str] = frozenset()
    our_key: Callable[[Mapping[str, Any]], str | None] = lambda _: None

    def with_typed(
        self, stored: Mapping[str, Any], typed: Mapping[str, str]
    ) -> dict[str, Any]:
        """Return a destination's data with what was typed; what is empty stays."""
        cleaned = {
            key: value.strip() if key in self.stripped else value
            for key, value in typed.items()
        }
        new = {key: value for key, value in cleaned.items() if value}
        return {
            key: value
            for key, value in stored.items()
            if self.belongs_to.get(key) not in new
        } | new


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of destination.

    `model` is what its devices are called. `build` makes the destination that a
    subentry's data describe: it touches and connects nothing, and raises KeyError,
    TypeError or ValueError when the data are not those that the flow stores.
    `public` are the fields of this kind that diagnostics may show: they hide all others,
    also what a newer version stores. `place_of_error` names the field of the form that a
    cause belongs to, by its code: the path for all others.
    `can_append`: its files can grow, as `capabilities` of its destinations say.
    `place` are the fields that tell where its files go: with another value of one of
    them it is another place, whose files are others.
    """

    key: str
    model: str
    build: Callable[[HomeAssistant, Mapping[str, Any]], Destination]
    public: frozenset[str] = frozenset()
    place_of_error: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials | None = None
    can_append: bool = False
    place: tuple[str, ...] = (CONF_PATH,)

    def place_in(self, data: Mapping[str, Any]) -> str:
        """Return what tells the place that data describe apart from all others.

        It holds nothing that must not be shown.
        """
        values = [str(data.get(name, "")).strip().rstrip("/") for name in self.place]
        return sha256(json.dumps([self.key, *values]).encode()).hexdigest()[:32]

    def probe_in(self, data: Mapping[str, Any], *, entry_id: str) -> str:
        """Return the name of a Frigate's probe in the place that data describe.

        It is that of all tests, so that what one had to leave there is never doubled.
        """
        return probe_name(f"{entry_id} {self.place_in(data)}")

    def place_of(self, err: StorageError) -> tuple[str, str]:
        """Return the field that a failure belongs to, and the name of the error."""
        return self.place_of_error.get(err.code, CONF_PATH), err.code


WEB_CAUSES: Final = (
    Unreachable,
    ConnectTimeout,
    Redirected,
    Throttled,
    CertificateRefused,
)
"""Causes of a server that is reached over HTTP, which are about its address."""


@callback
def async_create_destination_session(
    hass: HomeAssistant, verify_ssl: bool
) -> aiohttp.ClientSession:
    """Return a session for a destination, which detaches it when it is closed.

    Without cookies: one of another integration may be logged in there.
    """
    return async_create_clientsession(
        hass, verify_ssl, auto_cleanup=False, cookie_jar=aiohttp.DummyCookieJar()
    )


def is_allowed_folder(hass: HomeAssistant, path: str) -> bool:
    """Tell whether files may be written below a local folder. Blocks: file system.

    Home Assistant must allow it, and it must not be under `<config>/www`, which
    Home Assistant serves to anybody without a login.
    """
    if not hass.config.is_allowed_path(path):
        return False
    public = Path(hass.config.path("www")).resolve()
    return not Path(path).resolve().is_relative_to(public)


def _local(hass: HomeAssistant, data: Mapping[str, Any]) -> Destination:
    return LocalDestination(
        Path(data[CONF_PATH]),
        mount_point=data[CONF_MOUNT_POINT],
        is_allowed=lambda path: is_allowed_folder(hass, path),
    )


def _sftp(_: HomeAssistant, data: Mapping[str, Any]) -> Destination:
    return SftpDestination(
        SftpSettings(
            host=data[CONF_HOST],
            port=int(data[CONF_PORT]),
            username=data[CONF_USERNAME],
            password=data.get(CONF_PASSWORD),
            private_key=data.get(CONF_PRIVATE_KEY),
            passphrase=data.get(CONF_PASSPHRASE),
            path=data[CONF_PATH],
            host_key=data[CONF_HOST_KEY],
        )
    )


def _s3(hass: HomeAssistant, data: Mapping[str, Any]) -> Destination:
    addressing, proof = data.get(CONF_ADDRESSING), data.get(CONF_PROOF)
    return S3Destination(
        S3Settings(
            endpoint_url=data[CONF_ENDPOINT_URL],
            region=data[CONF_REGION],
            bucket=data[CONF_BUCKET],
            access_key_id=data[CONF_ACCESS_KEY_ID],
            secret_access_key=data[CONF_SECRET_ACCESS_KEY],
            path=data[CONF_PATH],
            addressing=None if addressing is None else Addressing(addressing),
            proof=None if proof is None else Proof(proof),
            can_read=data.get(CONF_CAN_READ, True),
            can_delete=data.get(CONF_CAN_DELETE, True),
            can_list=data.get(CONF_CAN_LIST, False),
            # A test finds both out.
            limits_known=proof is not None,
        ),
        open_session=partial(
            async_create_destination_session, hass, data[CONF_VERIFY_SSL]
        ),
    )


def _webdav(hass: HomeAssistant, data: Mapping[str, Any]) -> Destination:
    keeps = bool(data[SECTION_STORING].get(CONF_APPEND_ONLY))
    return WebdavDestination(
        WebdavSettings(
            url=data[CONF_URL],
            username=data[CONF_USERNAME],
            password=data[CONF_PASSWORD],
            path=data[CONF_PATH],
            form=DestinationForm(data.get(FORM_FIELD, DestinationForm.ABSOLUTE)),
        ),
        partial(async_create_destination_session, hass, data[CONF_VERIFY_SSL]),
        may_replace=may_replace if keeps else lambda path: True,
    )


def our_sftp_key(data: Mapping[str, Any]) -> str | None:
    """Return the public half of the key that we made, if nothing else logs in."""
    return None if data.get(CONF_PASSWORD) else data.get(CONF_PUBLIC_KEY) or None


def _sftp_credentials(data: Mapping[str, Any]) -> tuple[str, ...]:
    has_own_key = data.get(CONF_PRIVATE_KEY) and not data.get(CONF_PUBLIC_KEY)
    return (
        *((CONF_PASSWORD,) if data.get(CONF_PASSWORD) or not has_own_key else ()),
        *((CONF_PRIVATE_KEY, CONF_PASSPHRASE) if has_own_key else ()),
    )


KINDS: Final[dict[str, Kind]] = {
    kind.key: kind
    for kind in (
        Kind(
            key=SUBENTRY_LOCAL,
            model="Local folder",
            build=_local,
            can_append=True,
            place=(CONF_PATH, CONF_MOUNT_POINT),
        ),
        Kind(
            key=SUBENTRY_S3,
            model="S3 bucket",
            build=_s3,
            public=frozenset(
                {
                    CONF_ADDRESSING,
                    CONF_CAN_DELETE,
                    CONF_CAN_LIST,
                    CONF_CAN_READ,
                    CONF_PROOF,
                    CONF_REGION,
                    CONF_VERIFY_SSL,
                }
            ),
            place_of_error={
                **{cause.code: CONF_ENDPOINT_URL for cause in WEB_CAUSES},
                ClockSkew.code: CONF_ENDPOINT_URL,
                Unusable.code: CONF_ENDPOINT_URL,
                WrongRegion.code: CONF_REGION,
                BucketNotFound.code: CONF_BUCKET,
                NoSpace.code: CONF_BUCKET,
                PermissionDenied.code: CONF_BUCKET,
                AuthFailed.code: CONF_ACCESS_KEY_ID,
            },
            credentials=Credentials(
                server=CONF_ENDPOINT_URL,
                account=CONF_ACCESS_KEY_ID,
                fields=lambda _: (CONF_ACCESS_KEY_ID, CONF_SECRET_ACCESS_KEY),
                stripped=frozenset({CONF_ACCESS_KEY_ID, CONF_SECRET_ACCESS_KEY}),
            ),
            place=(CONF_ENDPOINT_URL, CONF_BUCKET, CONF_PATH),
        ),
        Kind(
            key=SUBENTRY_SFTP,
            model="SFTP server",
            build=_sftp,
            public=frozenset({CONF_PORT}),
            place_of_error={
                Unreachable.code: CONF_HOST,
                ConnectTimeout.code: CONF_HOST,
                HostKeyChanged.code: CONF_HOST,
                NoSftp.code: CONF_HOST,
                Unusable.code: CONF_HOST,
                AuthFailed.code: CONF_USERNAME,
                InvalidKey.code: CONF_PRIVATE_KEY,
            },
            credentials=Credentials(
                server=CONF_HOST,
                account=CONF_USERNAME,
                fields=_sftp_credentials,
                belongs_to={CONF_PASSPHRASE: CONF_PRIVATE_KEY},
                our_key=our_sftp_key,
            ),
            can_append=True,
            # Each user may have a home of their own.
            place=(CONF_HOST, CONF_PORT, CONF_USERNAME, CONF_PATH),
        ),
        Kind(
            key=SUBENTRY_WEBDAV,
            model="WebDAV server",
            build=_webdav,
            public=frozenset({CONF_VERIFY_SSL, FORM_FIELD}),
            place_of_error={
                **dict.fromkeys((cause.code for cause in WEB_CAUSES), CONF_URL),
                NotWebdav.code: CONF_URL,
                Unusable.code: CONF_URL,
                AuthFailed.code: CONF_USERNAME,
            },
            credentials=Credentials(
                server=CONF_URL,
                account=CONF_USERNAME,
                fields=lambda _: (CONF_PASSWORD,),
            ),
            place=(CONF_URL, CONF_USERNAME, CONF_PATH),
        ),
    )
}
"""By the type of the subentry."""


def build_destination(
    hass: HomeAssistant, kind: str, data: Mapping[str, Any]
) -> Destination:
    """Return the destination that a subentry of the type `kind` describes.

    It is wrapped in what its owner chose, so that whatever uses it, an upload or a
    test, does so in the same way. Nothing is touched and nothing connected. Raises
    KeyError, TypeError or ValueError when the data are not those that the flows store.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of destination: {kind}")
    storing = data[SECTION_STORING]
    return wrapped(
        KINDS[kind].build(hass, data),
        verify=bool(storing.get(CONF_VERIFY_CHECKSUM)),
        rate=int(storing.get(CONF_BANDWIDTH_LIMIT, 0)) * _BYTES_PER_KIBIBYTE,
        append_only=bool(storing.get(CONF_APPEND_ONLY)),
        can_read=data.get(CONF_CAN_READ),
    )
