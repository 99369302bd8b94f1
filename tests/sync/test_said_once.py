"""Each cause of an outage is news once, and so is its end."""

from custom_components.frigate_snap_sync.sync.support.said_once import SaidOnce


def test_each_cause_is_news_once() -> None:
    """Also when it comes back after others, or after a short return."""
    said = SaidOnce[str]()
    assert [said.is_news(cause) for cause in "abaab"] == [True, True, *[False] * 3]
    assert said.end()
    assert not said.is_news("a")


def test_the_end_is_news_if_a_cause_was() -> None:
    """What was never reported need not be over."""
    said = SaidOnce[str]()
    assert not said.end()
    said.is_news("a")
    assert said.end()
    assert not said.end()
    said.is_news("a")
    assert not said.end()
    said.is_news("b")
    assert said.end()


def test_a_new_outage() -> None:
    """All of its causes are news."""
    said = SaidOnce[str]()
    said.is_news("a")
    said.end()
    said.begin()
    assert said.is_news("a")
    assert said.end()
