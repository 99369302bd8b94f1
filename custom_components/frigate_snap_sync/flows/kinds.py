"""The flow of each kind of destination; the other half of its row is in `kinds`."""

from typing import Final

from homeassistant.config_entries import ConfigSubentryFlow

from ..const import SUBENTRY_LOCAL, SUBENTRY_S3, SUBENTRY_SFTP, SUBENTRY_WEBDAV
from .local import LocalFlow
from .s3 import S3Flow
from .sftp import SftpFlow
from .webdav import WebdavFlow

FLOWS: Final[dict[str, type[ConfigSubentryFlow]]] = {
    SUBENTRY_LOCAL: LocalFlow,
    SUBENTRY_S3: S3Flow,
    SUBENTRY_SFTP: SftpFlow,
    SUBENTRY_WEBDAV: WebdavFlow,
}
"""By the type of the subentry."""
