"""Texts of others in Markdown: shown as they are."""

import pytest

from custom_components.frigate_snap_sync.markdown import (
    MAX_LENGTH,
    as_code,
    escape,
    one_line,
)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("", ""),
        # What is common stays readable in the code that others test.
        ("It can't be reached", "It can't be reached"),
        ("192.0.2.7: refused, port 22", "192.0.2.7: refused, port 22"),
        ("Off-site", "Off-site"),
        # One line
        ("a\n\n# b\r\n\tc", r"a \# b c"),
        # Emphasis, code, links, images, HTML, entities, tables, strikethrough
        ("**a** _b_ `c` ~~d~~", r"\*\*a\*\* \_b\_ \`c\` \~\~d\~\~"),
        ("![a](b)", r"\!\[a\]\(b\)"),
        ("<img src=x>", r"\<img src=x\>"),
        ("&lt;b&gt;", r"\&lt;b\&gt;"),
        ("a | b", r"a \| b"),
        # What is made a link of although nobody asked for it
        ("https://a.example", r"https\://a.example"),
        ("www.a.example", r"www\.a.example"),
        ("WWW.a.example", r"WWW\.a.example"),
        ("a@b.example", r"a\@b.example"),
        # Lists and headings
        ("- a", r"\- a"),
        ("1. a", r"1\. a"),
        ("12. a", r"12\. a"),
        ("=== a", r"\=== a"),
        # A backslash of theirs must not undo one of ours
        (r"\*a", r"\\\*a"),
    ],
)
def test_escape(text: str, escaped: str) -> None:
    """By CommonMark's and GitHub's rules."""
    assert escape(text) == escaped


def test_as_code() -> None:
    """Between backticks only a backtick has a meaning."""
    assert as_code("/media/front_door [a](b)") == "/media/front_door [a](b)"
    assert as_code("a` **b**\n`c") == "a' **b** 'c"


def test_one_line() -> None:
    """What nobody sees, or what turns the direction of the rest, is left out."""
    assert one_line(" a\r\n\x1b[31mb\0\u202ec\u200bd ") == "a [31mb c d"
    assert one_line("Zugriff auf „Überwachung“ – verweigert 📷") == (
        "Zugriff auf „Überwachung“ – verweigert 📷"
    )
    for text in ("x" * 10**6, "x y" * 10**6, " " * 10**6 + "y"):
        assert len(one_line(text)) <= MAX_LENGTH
    assert one_line("x" * 10**6).endswith("x…")
    assert len(escape("*" * 10**6)) <= 2 * MAX_LENGTH
