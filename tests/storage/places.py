"""Real places to store at, each with a back door to look at what lies there.

A kind of destination joins the conformance suite with a class here, named in
`PLACES`.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
import errno
import json
import os
from pathlib import Path
from secrets import token_hex
import subprocess
import time
from typing import Any, ClassVar, override
from unittest.mock import patch

import aiohttp
import pytest

from custom_components.frigate_snap_sync.storage.base import Destination
from custom_components.frigate_snap_sync.storage.http.requests import OpenSession
from custom_components.frigate_snap_sync.storage.local.destination import (
    LocalDestination,
    find_mount_point,
)
from custom_components.frigate_snap_sync.storage.s3.destination import S3Destination
from custom_components.frigate_snap_sync.storage.s3.settings import S3Settings
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)
from custom_components.frigate_snap_sync.storage.wrappers import wrapped

from ..harness.disk import SmallDisk
from ..harness.network import HOST, Network
from ..harness.openssh import OpenSshServer
from ..harness.proftpd import ProFtpdServer
from ..harness.s3_homes import client
from ..harness.s3_servers import ACCESS_KEY, SECRET_KEY, CephGateway, RcloneS3
from ..harness.sftp_files import PLAIN
from ..harness.sftp_server import PASSWORD, USERNAME, SftpServer

EXTRAS = (
    *("setstat", "fsetstat", "lsetstat", "realpath", "readlink", "symlink"),
    *("posix-rename", "fsync", "fstatvfs", "hardlink", "limits", "expand-path"),
    *("copy-data", "home-directory", "users-groups-by-id"),
)
"""Requests of OpenSSH that no upload needs; without statvfs no full disk is seen."""

SMALL_DISK = 6 * 1024 * 1024
"""Bytes of a place that was asked for as a small one."""


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncGenerator[None]:
    """Mount a small file system in memory on a folder, where that is permitted."""
    async with SmallDisk(folder, size=SMALL_DISK >> 20) as disk:
        if not disk.is_real:
            pytest.skip("mounting a small file system is not permitted here")
        yield


def mount(*arguments: str) -> None:
    """Run the system's mount command."""
    subprocess.run(["mount", *arguments], check=True, timeout=30)


class Place(ABC):
    """A place that works until it is made to fail."""

    name: ClassVar[str]
    in_this_process: ClassVar[bool] = False
    """Whether its server keeps what it gets in the memory of the tests."""
    is_small_to_deny: ClassVar[bool] = False
    """Whether changes can be refused only at a place that is opened as a small one."""
    has_any_bytes_in_names: ClassVar[bool] = True
    """Whether others can give a file a name that is no UTF-8."""
    says_full: ClassVar[bool] = True
    """Whether a full disk looks different from another refusal."""
    frees_at_once: ClassVar[bool] = True
    """Whether the space of what is deleted can be used at once."""
    cleans_at_once: ClassVar[bool] = True
    """Whether what is broken off can be removed at once: some keep it locked a while."""
    has_folders: ClassVar[bool] = True
    """Whether no file can have the name of a folder: not so where names are keys."""
    mangles: ClassVar[str] = ""
    """Characters in names that the server takes for something else."""
    shows_unfinished: ClassVar[bool] = True
    """Whether the temporary name is seen there, if there is one, while more is awaited."""
    lists_hidden: ClassVar[bool] = True
    """Whether it lists what begins with a dot: else a folder is never known as empty."""
    tells_causes: ClassVar[bool] = True
    """Its answers say whether a disk is full, or whether it may not be written."""

    def __init__(self, destination: Destination) -> None:
        """Look behind this destination."""
        self.destination = destination

    @classmethod
    @abstractmethod
    @asynccontextmanager
    async def open(cls, folder: Path, *, small: bool) -> AsyncGenerator[Place]:
        """Yield a new place; `small` has no more space than `SMALL_DISK`."""
        yield NotImplemented

    @abstractmethod
    def content(self, path: str) -> bytes | None:
        """Return what lies at a path below the root, None for nothing."""

    @abstractmethod
    def plant(self, path: str, content: bytes) -> None:
        """Put something there behind the destination's back."""

    @abstractmethod
    def paths(self) -> set[str]:
        """Return the paths of all files."""

    @property
    def has_begun(self) -> bool:
        """Tell whether something of a file has arrived at the empty place."""
        return bool(self.paths())

    @abstractmethod
    def break_after(self, size: int) -> None:
        """Break the connection, once, when so many more bytes were sent."""

    @abstractmethod
    async def deny(self) -> None:
        """Refuse every change from now on."""


class FolderPlace(Place):
    """A place whose files lie in a folder of this machine in the end."""

    def __init__(self, destination: Destination, root: Path) -> None:
        """Look into `root`."""
        super().__init__(destination)
        self.root = root

    @override
    def content(self, path: str) -> bytes | None:
        target = self.root / path
        return target.read_bytes() if target.exists() else None

    @override
    def plant(self, path: str, content: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    @override
    def paths(self) -> set[str]:
        return {
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file()
        }


class Local(FolderPlace):
    """A folder."""

    name = "local"
    # A mount of its own can be made read-only, which stops even root.
    is_small_to_deny = os.geteuid() == 0
    verify: ClassVar[bool] = False
    denied: Sequence[Path] = ()
    """Folders that can't be written any more."""

    @classmethod
    @override
    @asynccontextmanager
    async def open(cls, folder: Path, *, small: bool) -> AsyncGenerator[Place]:
        mounted = folder / "mounted"
        root = mounted / "files"
        root.mkdir(parents=True)
        async with small_disk(mounted) if small else nullcontext():
            destination = LocalDestination(
                root,
                mount_point=await find_mount_point(root),
                is_allowed=lambda path: path == str(root),
            )
            place = cls(wrapped(destination, verify=cls.verify), root)
            yield place
            await destination.close()
            for denied in place.denied:
                denied.chmod(0o700)  # or what is below can't be removed

    @override
    def break_after(self, size: int) -> None:
        write = os.write
        left = size

        def failing_write(descriptor: int, data: memoryview) -> int:
            nonlocal left
            left -= len(data)
            if left < 0:
                patcher.stop()
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return write(descriptor, data)

        patcher = patch.object(os, "write", failing_write)
        patcher.start()

    @override
    async def deny(self) -> None:
        if os.geteuid() == 0:
            mount("-o", "remount,ro", str(self.root.parent))
        else:
            self.denied = [self.root, *filter(Path.is_dir, self.root.rglob("*"))]
            for folder in self.denied:
                folder.chmod(0o500)


class VerifiedLocal(Local):
    """A folder whose files are read back."""

    name = "local-verified"
    verify = True


class _Sftp(FolderPlace):
    """What all SFTP servers have: a network before them, which can be cut."""

    def __init__(self, destination: Destination, root: Path, network: Network) -> None:
        super().__init__(destination, root)
        self.network = network

    @override
    def break_after(self, size: int) -> None:
        self.network.cut_after(size)


class _KeySftp(_Sftp):
    """A server of its own program, with a key."""

    server: OpenSshServer | ProFtpdServer

    @classmethod
    @abstractmethod
    def make_server(cls, folder: Path) -> OpenSshServer | ProFtpdServer:
        """Return a server that is not started yet."""

    @classmethod
    @override
    @asynccontextmanager
    async def open(cls, folder: Path, *, small: bool) -> AsyncGenerator[Place]:
        server = cls.make_server(folder / "server")
        async with (
            small_disk(server.root) if small else nullcontext(),
            server,
            Network(server.port) as network,
        ):
            destination = SftpDestination(
                SftpSettings(
                    host=server.host,
                    port=network.port,
                    username=server.username,
                    private_key=server.private_key,
                    path=str(server.root),
                    host_key=server.host_key,
                )
            )
            place = cls(destination, server.root, network)
            place.server = server
            yield place
            await destination.close()

    @override
    async def deny(self) -> None:
        await self.server.stop()
        self.server.read_only = True
        await self.server.start()


class OpenSsh(_KeySftp):
    """OpenSSH."""

    name = "openssh"

    @classmethod
    @override
    def make_server(cls, folder: Path) -> OpenSshServer:
        return OpenSshServer(folder)


class ReducedOpenSsh(_KeySftp):
    """OpenSSH whose owner left nothing but what uploads can't do without."""

    name = "openssh-reduced"

    @classmethod
    @override
    def make_server(cls, folder: Path) -> OpenSshServer:
        return OpenSshServer(folder, denied=EXTRAS)


class ProFtpd(_KeySftp):
    """ProFTPD's mod_sftp, as hosters and NAS makers use it."""

    name = "proftpd"

    @classmethod
    @override
    def make_server(cls, folder: Path) -> ProFtpdServer:
        return ProFtpdServer(folder)


class PasswordSftp(_Sftp):
    """Another SFTP server, with a password and all extensions of OpenSSH."""

    name = "sftp-password"
    in_this_process = True
    server: SftpServer
    lacks: ClassVar[frozenset[bytes]] = frozenset()

    @classmethod
    @override
    @asynccontextmanager
    async def open(cls, folder: Path, *, small: bool) -> AsyncGenerator[Place]:
        async with (
            SftpServer(folder / "root", without=cls.lacks) as server,
            Network(server.port) as network,
        ):
            if small:
                server.behavior.disk_size = SMALL_DISK
            destination = SftpDestination(
                SftpSettings(
                    host=HOST,
                    port=network.port,
                    username=USERNAME,
                    password=PASSWORD,
                    path="/up/load",
                    host_key=server.host_key,
                )
            )
            place = cls(destination, server.root / "up" / "load", network)
            place.server = server
            yield place
            await destination.close()

    @override
    async def deny(self) -> None:
        self.server.behavior.denied = True


class PlainSftp(PasswordSftp):
    """An SFTP server that can do no more than the protocol says."""

    name = "sftp-plain"
    lacks = PLAIN


@asynccontextmanager
async def sessions() -> AsyncGenerator[OpenSession]:
    """Yield what makes sessions that share their connections."""
    connector = aiohttp.TCPConnector()
    try:
        yield lambda: aiohttp.ClientSession(connector=connector, connector_owner=False)
    finally:
        await connector.close()


BUCKET = "evidence"
PREFIX = "home/front door"


def s3_settings(url: str, **changes: Any) -> S3Settings:
    """Return settings for a server of the harness."""
    values: dict[str, Any] = {
        "endpoint_url": url,
        "region": "us-east-1",
        "bucket": BUCKET,
        "access_key_id": ACCESS_KEY,
        "secret_access_key": SECRET_KEY,
        "path": PREFIX,
    }
    return S3Settings(**values | changes)


class Rclone(FolderPlace):
    """rclone as an S3 server."""

    name = "s3-rclone"
    has_any_bytes_in_names = False
    tells_causes = False
    cleans_at_once = False
    server: RcloneS3
    network: Network

    @classmethod
    @override
    @asynccontextmanager
    async def open(cls, folder: Path, *, small: bool) -> AsyncGenerator[Place]:
        buckets = folder / "server" / "buckets"
        root = buckets / BUCKET / PREFIX
        (buckets / BUCKET).mkdir(parents=True)
        async with (
            small_disk(buckets) if small else nullcontext(),
            RcloneS3(buckets) as server,
            Network(server.port) as network,
            sessions() as open_session,
        ):
            # It may answer 500 to one of several who are the first in a folder.
            root.mkdir(parents=True)
            destination = S3Destination(
                s3_settings(f"http://{HOST}:{network.port}"), open_session=open_session
            )
            place = cls(destination, root)
            place.server, place.network = server, network
            yield place
            await destination.close()

    @override
    def plant(self, path: str, content: bytes) -> None:
        super().plant(path, content)
        # It is not seen at once: a folder is remembered for a moment.
        time.sleep(0.01)

    @override
    def break_after(self, size: int) -> None:
        self.network.cut_after(size)

    @override
    async def deny(self) -> None:
        await self.server.stop()
        self.server.options = ("--read-only",)
        await self.server.start()


OBJECT_ACTIONS = (
    *("s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"),
    *("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"),
    *("s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts"),
)
"""What a key may do to a bucket's objects, one by one."""


class Ceph(Place):
    """Ceph's gateway, the strictest S3 server there is here."""

    name = "s3-ceph"
    has_folders = False
    has_any_bytes_in_names = False
    gateway: ClassVar[CephGateway]
    """The one of this run, which the fixture of places starts when it is needed."""
    bucket: str
    network: Network

    @classmethod
    @override
    @asynccontextmanager
    async def open(cls, folder: Path, *, small: bool) -> AsyncGenerator[Place]:
        async with (
            Network(cls.gateway.port) as network,
            sessions() as open_session,
        ):
            bucket = f"evidence-{token_hex(4)}"
            boto = boto_client(cls.gateway.url)
            boto.create_bucket(Bucket=bucket)
            if small:
                size = f"--max-size={SMALL_DISK}"
                scope = ("--quota-scope=bucket", f"--bucket={bucket}")
                cls.gateway.admin("quota", "set", *scope, size)
                cls.gateway.admin("quota", "enable", *scope)
            destination = S3Destination(
                s3_settings(f"http://{HOST}:{network.port}", bucket=bucket),
                open_session=open_session,
            )
            place = cls(destination)
            place.bucket, place.network, place.boto = bucket, network, boto
            yield place
            await destination.close()

    boto: Any

    @override
    def content(self, path: str) -> bytes | None:
        try:
            found = self.boto.get_object(Bucket=self.bucket, Key=f"{PREFIX}/{path}")
        except self.boto.exceptions.NoSuchKey:
            return None
        content: bytes = found["Body"].read()
        return content

    @override
    def plant(self, path: str, content: bytes) -> None:
        self.boto.put_object(Bucket=self.bucket, Key=f"{PREFIX}/{path}", Body=content)

    @override
    def paths(self) -> set[str]:
        pages = self.boto.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return {
            found["Key"].removeprefix(f"{PREFIX}/")
            for page in pages
            for found in page.get("Contents", ())
        }

    @override
    def break_after(self, size: int) -> None:
        self.network.cut_after(size)

    @override
    async def deny(self) -> None:
        self.allow("s3:PutObject", "s3:DeleteObject", effect="Deny")

    def allow(self, *actions: str, effect: str = "Allow", principal: str = "*") -> None:
        """Let the bucket's policy say this, and nothing else.

        A principal that may do these actions may do no other: it owns what it wrote,
        which the gateway lets it read unless that is denied by name (`NotAction` is not
        enough).
        """
        whom = "*" if principal == "*" else {"AWS": [principal]}
        name = f"arn:aws:s3:::{self.bucket}"
        common = {"Principal": whom, "Resource": [name, f"{name}/*"]}
        statements = [{"Effect": effect, "Action": list(actions), **common}]
        if principal != "*":
            denied = [action for action in OBJECT_ACTIONS if action not in actions]
            statements.append({"Effect": "Deny", "Action": denied, **common})
        policy = {"Version": "2012-10-17", "Statement": statements}
        self.boto.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))


def boto_client(url: str) -> Any:
    """Return a client of Amazon's own library, which looks behind our back."""
    return client(url, ACCESS_KEY, SECRET_KEY)


PLACES: tuple[type[Place], ...] = (
    Local,
    VerifiedLocal,
    OpenSsh,
    ReducedOpenSsh,
    ProFtpd,
    PasswordSftp,
    PlainSftp,
    Rclone,
    Ceph,
)
"""All places that the conformance suite runs at."""
