"""Texts of others in Markdown: shown as they are."""

import pytest

from custom_components.frigate_snap_sync.markdown import escape


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
        ("=== a", r"\=== a"),
        # A backslash of theirs must not undo one of ours
        (r"\*a", r"\\\*a"),
    ],
)
def test_escape(text: str, escaped: str) -> None:
    """By CommonMark's and GitHub's rules."""
    assert escape(text) == escaped
