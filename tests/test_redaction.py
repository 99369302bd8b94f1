"""What is private goes from texts; the texts stay readable."""

from enum import StrEnum

import pytest

from custom_components.frigate_snap_sync.redaction import Redactor, parts_of_url

HIDDEN = "**REDACTED**"


class State(StrEnum):
    """Words of our own."""

    FRIGATE = "frigate"


def test_keys_and_our_own_words_are_never_touched() -> None:
    """A user may be called as they are."""
    document = {
        "frigate_connected": True,
        "frigate": [State.FRIGATE, 5, None, "frigate"],
        "frigate_mqtt_disabled": {"frigate": "by frigate"},
    }
    assert Redactor({"frigate"}).redact(document) == {
        "frigate_connected": True,
        "frigate": [State.FRIGATE, 5, None, HIDDEN],
        "frigate_mqtt_disabled": {"frigate": f"by {HIDDEN}"},
    }


@pytest.mark.parametrize(
    ("private", "text", "shown"),
    [
        ("frigate", "frigate@nas:/x", f"{HIDDEN}@nas:/x"),
        ("frigate", "Frigate is away", "Frigate is away"),
        ("frigate", "frigates, frigate_2, 2frigate", None),
        ("frigate", "anti-frigate, frigate-viewer", None),
        ("frigate", "user 'frigate' refused", f"user '{HIDDEN}' refused"),
        ("frigate-viewer", "frigate-viewer: no", f"{HIDDEN}: no"),
        ("the", "there, other, bathe", None),
        ("cam", "the camera of cam.", f"the camera of {HIDDEN}."),
        ("a", "a word", None),
        ("1", "1 of 10", None),
        ("192.0.2.7", "192.0.2.7:22 and 192.0.2.70", f"{HIDDEN}:22 and 192.0.2.70"),
        ("fe80::1", "[fe80::1]:22, fe80::12", f"[{HIDDEN}]:22, fe80::12"),
        ("/srv/films", "/srv/films/2026, /srv/films2", f"{HIDDEN}/2026, /srv/films2"),
        ("/", "/srv/films", None),
        ("p@ss/w:rd", "http://u:p%40ss%2Fw%3Ard@h", f"http://u:{HIDDEN}@h"),
        ("p@ss/w:rd", "password p@ss/w:rd refused", f"password {HIDDEN} refused"),
        ("tr.cky*", "tricky, tr.cky*", f"tricky, {HIDDEN}"),
        ("naïve", "naïve naïveté", f"{HIDDEN} naïveté"),
        (
            "-----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5P\nUFE=\n-----END KEY-----\n",
            "line 2, QUJDREVGR0hJSktMTU5P, of -----BEGIN KEY-----",
            f"line 2, {HIDDEN}, of -----BEGIN KEY-----",
        ),
        (
            "-----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5P\nUFE=\n-----END KEY-----\n",
            "key: -----BEGIN KEY-----\nQUJDREVGR0hJSktMTU5P\nUFE=\n-----END KEY-----",
            f"key: {HIDDEN}",
        ),
    ],
)
def test_whole_tokens(private: str, text: str, shown: str | None) -> None:
    """Not what merely holds the same letters."""
    assert Redactor({private}).redact(text) == (text if shown is None else shown)


def test_the_longest_first() -> None:
    """A folder before its parent, or the end of its name would stay."""
    redactor = Redactor({"/media", "/media/nas"})
    assert redactor.redact("/media/nas/x, /media/y") == f"{HIDDEN}/x, {HIDDEN}/y"


def test_nothing_is_private() -> None:
    """Then everything is shown."""
    assert Redactor(()).redact({"a": ["b"]}) == {"a": ["b"]}


def test_parts_of_url() -> None:
    """Each is private by itself."""
    url = "http://proxy-user:proxy-secret@Proxy.example:3128"
    assert parts_of_url(url) == {url, "proxy-user", "proxy-secret", "proxy.example"}
    assert parts_of_url("http://[half") == {"http://[half"}
