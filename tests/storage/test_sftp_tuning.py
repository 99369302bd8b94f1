"""What is chosen by measuring: the cipher, and how much is under way."""

from collections.abc import Callable, Iterator
from unittest.mock import Mock

import asyncssh
import pytest

from custom_components.frigate_snap_sync.storage.limits import Limits
from custom_components.frigate_snap_sync.storage.sftp import ciphers as sftp_ciphers
from custom_components.frigate_snap_sync.storage.sftp.ciphers import preferred_ciphers
from custom_components.frigate_snap_sync.storage.sftp.session import (
    SftpSession,
    in_flight,
)


@pytest.fixture
def _new_machine() -> Iterator[None]:
    """Have it measured in this test, and again after it."""
    preferred_ciphers.cache_clear()
    yield
    preferred_ciphers.cache_clear()


@pytest.mark.usefixtures("_new_machine")
@pytest.mark.parametrize(
    ("aes_gcm", "chacha20", "first"),
    [
        (0.19, 1.17, "aes128-gcm@openssh.com"),
        (4.96, 2.06, "chacha20-poly1305@openssh.com"),
        # As good as equal: to be wrong about AES costs less.
        (1.0, 0.9, "aes128-gcm@openssh.com"),
    ],
)
def test_the_quickest_cipher_comes_first(
    aes_gcm: float, chacha20: float, first: str
) -> None:
    """It is measured once; the others stay on offer."""

    def duration(encrypt: Callable[[bytes], object]) -> float:
        return chacha20 if encrypt is sftp_ciphers._chacha20 else aes_gcm  # noqa: SLF001

    measured = Mock(side_effect=duration)
    ciphers = preferred_ciphers(measured)
    assert preferred_ciphers(measured) == ciphers
    assert measured.call_count == 2
    assert ciphers[0] == first
    assert len(set(ciphers)) == 6


@pytest.mark.usefixtures("_new_machine")
def test_a_real_measurement() -> None:
    """Whatever this machine is, each cipher is one that asyncssh knows."""
    options = asyncssh.SSHClientConnectionOptions(
        encryption_algs=list(preferred_ciphers()), config=None
    )
    assert [alg.decode() for alg in options.encryption_algs] == [*preferred_ciphers()]


@pytest.mark.parametrize(
    ("round_trip", "expected"),
    [
        (0, Limits().min_in_flight),
        (0.03, 1_500_000),
        (0.04, 2_000_000),
        (3, Limits().max_in_flight),
    ],
)
def test_a_far_server_has_more_under_way(round_trip: float, expected: int) -> None:
    """Enough to fill the link, and no more."""
    assert in_flight(round_trip, Limits()) == expected


async def test_a_server_with_a_small_limit_gets_small_requests() -> None:
    """But as many bytes in all."""
    for limit, count in ((255 * 1024, 4), (64 * 1024, 16), (8 * 1024 * 1024, 4)):
        client = Mock(
            limits=asyncssh.SFTPLimits(max_write_len=limit, max_read_len=limit)
        )
        session = SftpSession(
            Mock(), client, round_trip=0.001, limits=Limits(idle_timeout=1)
        )
        places = 0
        while not session.window.locked():
            await session.window.acquire()
            places += 1
        assert places == count
        assert 0.99 < session.write_block * places / Limits().min_in_flight <= 1
