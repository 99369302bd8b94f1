"""The test of a destination on real servers whose owners allow less than uploads need."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from custom_components.frigate_snap_sync.storage.check import (
    CheckResult,
    check_destination,
)
from custom_components.frigate_snap_sync.storage.errors import (
    NoSpace,
    PermissionDenied,
    StorageError,
)
from custom_components.frigate_snap_sync.storage.layout import Layout, dated_layout
from custom_components.frigate_snap_sync.storage.names import (
    TemporaryForm,
    temporary_name,
)
from custom_components.frigate_snap_sync.storage.sftp.destination import (
    SftpDestination,
    SftpSettings,
)

from ..harness.disk import SmallDisk
from ..harness.openssh import OpenSshServer
from ..harness.proftpd import NO_DOT_FILES, ProFtpdServer
from .conftest import MakeSource
from .places import mount

TODAY = "2026-11-22"
LAYOUT = dated_layout(datetime.fromisoformat(TODAY))

NO_TMP_FILES = [r'PathDenyFilter "\\.tmp$"']
HIDES_DOT_FILES = [
    "<Directory /*>",
    r'HideFiles "^\\."',
    "<Limit ALL>",
    "IgnoreHidden on",
    "</Limit>",
    "</Directory>",
]


def denied(*commands: str, folder: str = "/*") -> list[str]:
    """Return the lines of ProFTPD that refuse commands below a folder."""
    return [
        f"<Directory {folder}>",
        f"<Limit {' '.join(commands)}>",
        "DenyAll",
        "</Limit>",
        "</Directory>",
    ]


@asynccontextmanager
async def destination_at(
    server: OpenSshServer | ProFtpdServer,
) -> AsyncGenerator[SftpDestination]:
    """Start the server and yield a destination there."""
    async with server:
        destination = SftpDestination(
            SftpSettings(
                host=server.host,
                port=server.port,
                username=server.username,
                private_key=server.private_key,
                path=str(server.root),
                host_key=server.host_key,
            )
        )
        try:
            yield destination
        finally:
            await destination.close()


def lying_in(root: Path) -> set[str]:
    """Return what lies below a folder; folders end with a slash."""
    return {
        f"{path.relative_to(root)}{'/' if path.is_dir() else ''}"
        for path in root.rglob("*")
    }


async def check(
    destination: SftpDestination, workdir: Path, layout: Layout = LAYOUT
) -> CheckResult:
    """Test a destination whose files lie in a folder of the day."""
    return await check_destination(
        destination, workdir=workdir, name="probe", layout=layout
    )


async def refused(
    server: OpenSshServer | ProFtpdServer,
    workdir: Path,
    *,
    cause: type[StorageError],
    layout: Layout = LAYOUT,
) -> tuple[str, set[str]]:
    """Test thrice; return the first error's text and what lies there, not doubled."""
    texts, left = [], []
    async with destination_at(server) as destination:
        before = lying_in(server.root)
        for _ in range(3):
            with pytest.raises(cause) as raised:
                await check(destination, workdir, layout)
            assert type(raised.value) is cause
            texts.append(str(raised.value))
            left.append(lying_in(server.root) - before)
    assert left[0] == left[1] == left[2]
    return texts[0], left[0]


@pytest.mark.parametrize(
    ("requests", "step", "left"),
    [
        (["mkdir"], "Making a folder", set()),
        (["open"], "Writing", set()),
        (["write"], "Writing", set()),
        (["fstat"], "Checking", set()),
        (["rename", "posix-rename"], "Renaming", set()),
        (
            ["posix-rename", "remove"],
            "Replacing",
            {"probe/", "probe/probe.mp4", "probe/.a01ac5bd04b41712.tmp"},
        ),
        (["read"], "Reading back", set()),
        (["remove"], "Deleting", {"probe/", "probe/probe.mp4"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
async def test_a_reduced_openssh(
    tmp_path: Path, requests: Sequence[str], step: str, left: set[str]
) -> None:
    """Each lack is told by the step that it stops, before anything is saved."""
    server = OpenSshServer(tmp_path / "server", denied=requests)
    text, lying = await refused(server, tmp_path / "work", cause=PermissionDenied)
    assert text.startswith(f"{step}: Failed to ")
    assert text.endswith(": Permission denied")
    assert lying == left


async def test_a_root_where_no_folder_can_be_made_any_more(tmp_path: Path) -> None:
    """Today's is there and can be written; tomorrow's can't be made."""
    server = OpenSshServer(tmp_path / "server", denied=["mkdir"])
    (server.root / TODAY).mkdir()
    text, left = await refused(server, tmp_path / "work", cause=PermissionDenied)
    assert text.startswith("Making a folder: ")
    assert left == set()


@pytest.mark.parametrize(
    ("requests", "layout"),
    [
        (["mkdir"], Layout()),
        (["posix-rename", "fsync", "statvfs", "limits"], LAYOUT),
        (["posix-rename", "lstat"], LAYOUT),
    ],
)
async def test_what_no_upload_needs(
    tmp_path: Path, requests: Sequence[str], layout: Layout
) -> None:
    """Names without folders need no mkdir; what OpenSSH adds is for speed."""
    server = OpenSshServer(tmp_path / "server", denied=requests)
    async with destination_at(server) as destination:
        await check(destination, tmp_path / "work", layout)
        assert lying_in(server.root) == set()


async def test_a_folder_that_can_not_be_removed(tmp_path: Path) -> None:
    """It stays, is told, and is used by the next test, too."""
    server = OpenSshServer(tmp_path / "server", denied=["rmdir"])
    async with destination_at(server) as destination:
        for _ in range(2):
            result = await check(destination, tmp_path / "work")
            assert result.left.folders == ("probe",)
            assert lying_in(server.root) == {"probe/", f"{TODAY}/"}


@pytest.mark.parametrize(
    ("settings", "cause", "text"),
    [
        (denied("MKD", "XMKD"), PermissionDenied, "Making a folder: Failed to make"),
        (denied("STOR"), PermissionDenied, "Writing: Failed to write"),
        (denied("RNFR", "RNTO"), PermissionDenied, "Renaming: Failed to write"),
        (denied("DELE"), PermissionDenied, "Deleting: Failed to delete"),
        (denied("WRITE"), PermissionDenied, "Making a folder: Failed to make"),
        (denied("WRITE", folder=f"*/{TODAY}"), PermissionDenied, "Writing: Failed to"),
        (["MaxStoreFileSize 2 Kb"], NoSpace, "Writing: Failed to write"),
        (
            NO_TMP_FILES,
            PermissionDenied,
            "Writing: Files are taken, but not while they are called .….tmp nor ….tmp",
        ),
    ],
)
async def test_proftpd_with_limits(
    tmp_path: Path, settings: Sequence[str], cause: type[StorageError], text: str
) -> None:
    """As hosters set it up."""
    server = ProFtpdServer(tmp_path / "server", settings=settings)
    if TODAY in "".join(settings):
        server.settings = [
            line.replace("*/", f"{server.root}/") for line in server.settings
        ]
        (server.root / TODAY).mkdir()
    found, left = await refused(server, tmp_path / "work", cause=cause)
    assert found.startswith(text)
    assert left <= {"probe/", "probe/probe.mp4"}
    assert bool(left) is found.startswith("Deleting")


@pytest.mark.parametrize(
    ("settings", "form"),
    [
        ([], TemporaryForm.HIDDEN),
        (["HiddenStores on"], TemporaryForm.HIDDEN),
        (NO_DOT_FILES, TemporaryForm.PLAIN),
        (HIDES_DOT_FILES, TemporaryForm.PLAIN),
    ],
    ids=["plain", "hidden-stores", "no-dot-files", "hides-dot-files"],
)
async def test_proftpd_and_dot_files(
    tmp_path: Path,
    make_source: MakeSource,
    settings: Sequence[str],
    form: TemporaryForm,
) -> None:
    """The form of temporary names that works is found, and works for uploads."""
    server = ProFtpdServer(tmp_path / "server", settings=settings)
    async with destination_at(server) as destination:
        result = await check(destination, tmp_path / "work")
        assert result == CheckResult(form=form, left=result.left)
        assert not result.left
        assert lying_in(server.root) == set()
        path, source = f"{TODAY}/clip.mp4", make_source(100_000)
        temporary = temporary_name(path, "0123456789abcdef", result.form)
        await destination.put(path, source, temporary=temporary)
        assert lying_in(server.root) == {f"{TODAY}/", path}
        assert (server.root / path).read_bytes() == source.read_bytes()


@pytest.mark.parametrize("kind", [OpenSshServer, ProFtpdServer])
async def test_a_disk_that_is_full(
    tmp_path: Path, make_source: MakeSource, kind: type[OpenSshServer | ProFtpdServer]
) -> None:
    """OpenSSH says "Failure"; ProFTPD says that all is well, and keeps what fits."""
    server = kind(tmp_path / "server")
    async with SmallDisk(server.root, size=1) as disk:
        if not disk.is_real:
            pytest.skip("mounting a small file system is not permitted here")
        disk.fill()
        text, left = await refused(server, tmp_path / "work", cause=NoSpace)
        assert text.startswith(("Writing: ", "Checking: "))
        assert left == set()

        disk.free()
        # The last of three writes fits in part.
        disk.fill(leave=80 * 1024)
        async with destination_at(server) as destination:
            with pytest.raises(NoSpace):
                await destination.put("x", make_source(90_000), temporary=".x.tmp")
            assert lying_in(server.root) == {"ballast"}


@pytest.mark.parametrize("kind", [OpenSshServer, ProFtpdServer])
async def test_a_disk_that_is_read_only(
    tmp_path: Path, kind: type[OpenSshServer | ProFtpdServer]
) -> None:
    """Both say "Failure"; the file system itself says more."""
    server = kind(tmp_path / "server")
    async with SmallDisk(server.root, size=1) as disk:
        if not disk.is_real:
            pytest.skip("mounting a small file system is not permitted here")
        (server.root / TODAY).mkdir()
        mount("-o", "remount,ro", str(server.root))
        text, left = await refused(server, tmp_path / "work", cause=PermissionDenied)
        assert text.startswith("Making a folder: ")
        assert text.endswith("its file system is read-only")
        assert left == set()
