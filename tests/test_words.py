"""What failed and why, as it is read: in Home Assistant's language, and in no other.

An error's own text is English: it is for the log.
"""

import ast
from collections.abc import Collection, Iterator
from contextlib import nullcontext
import errno
import importlib
import os
import re
from typing import Any, Final

import pytest

from custom_components.frigate_snap_sync.cause import Cause, CausedError
from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.frigate.errors import FrigateError
from custom_components.frigate_snap_sync.frigate.transport import (
    Answer as FrigateAnswer,
)
from custom_components.frigate_snap_sync.kinds import KINDS as DESTINATIONS
from custom_components.frigate_snap_sync.path_template import InvalidPathTemplate
from custom_components.frigate_snap_sync.storage.errors import (
    CAUSES,
    STEPS,
    WRITING,
    AuthFailed,
)
from custom_components.frigate_snap_sync.storage.s3.answers import (
    Answer as S3Answer,
    error_of,
)
from custom_components.frigate_snap_sync.storage.sftp.key_text import _KINDS
from custom_components.frigate_snap_sync.storage.webdav.answers import (
    Answer as DavAnswer,
    refusal,
)
from custom_components.frigate_snap_sync.sync.ledger.losses import MISSING
from custom_components.frigate_snap_sync.sync.model.errors import (
    LedgerError,
    SpoolError,
)
from custom_components.frigate_snap_sync.sync.model.item import UploadState
from custom_components.frigate_snap_sync.sync.model.status import (
    DRILL_FAILURES,
    Loss,
    Losses,
    Problem,
)
from custom_components.frigate_snap_sync.words import (
    SILENT_STEPS,
    async_load_words,
    async_why,
    async_word,
    step_key,
)
from homeassistant.config_entries import SOURCE_USER
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from .component import (
    ENTRY_ID,
    LOCAL_ID,
    SFTP_ID,
    StandInEngine,
    async_set_up,
    frigate_entry,
    local_subentry,
    sftp_subentry,
)
from .conftest import ServeFrigate
from .flow_texts import LANGUAGES, english, placeholders, texts_of
from .harness.frigate import Frigate, Kind
from .memory_kind import KIND, MEMORY, MemoryFlow
from .source import PACKAGE, module_name, string_literals, trees
from .test_languages import ENGLISH
from .test_repairs import Post, fix

__all__ = ["fix"]

RAW: Final = "Nothing of this English sentence may be read by a person"
"""The text of an error, as if made in Python."""
SAID: Final = "530 kein Zutritt"
"""A server's own words."""

FLOORS_WITHOUT_WORDS: Final = ("frigate", "storage", "sync", "bench")
"""Where errors are made, and written to the log."""


def subclasses(base: type[CausedError]) -> Iterator[type[CausedError]]:
    """Yield all classes of errors that say why, but for those that are no cause."""
    for kind in base.__subclasses__():
        if kind.__module__.startswith(PACKAGE):
            if hasattr(kind, "code"):
                yield kind
            yield from subclasses(kind)


KINDS: Final = sorted(set(subclasses(CausedError)), key=lambda kind: kind.__name__)
OF_FRIGATE: Final = [kind for kind in KINDS if issubclass(kind, FrigateError)]
AT_HOME: Final = [kind for kind in KINDS if issubclass(kind, (LedgerError, SpoolError))]


def failure[E: CausedError](kind: type[E]) -> E:
    """Return an error of a class, as a server would have caused it."""
    try:
        error = kind(RAW)
    except TypeError:  # Its text is its own.
        error = kind.__new__(kind)
        CausedError.__init__(error, RAW)
    error.said = SAID
    return error


def hints() -> set[str]:
    """Return all finer causes that the code names."""
    words = {key for key in english()["common"] if key.startswith("cause_")}
    named = {
        str(ast.literal_eval(keyword.value))
        for _, tree in trees()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "hint" and isinstance(keyword.value, ast.Constant)
    }
    # Others come by a variable: they are literals all the same.
    named |= {word for word in string_literals() if f"cause_{word}" in words}
    return (named | {hint for _, hint, _ in _KINDS}) - {""}


def assert_german(*texts: str) -> None:
    """Check that nothing of an error's own text is there, nor any English word."""
    for text in texts:
        assert RAW not in text
        assert not ENGLISH.search(text.replace(SAID, "")), text
        assert "{" not in text, text


@pytest.fixture
async def german(hass: HomeAssistant) -> None:
    """Let Home Assistant speak German."""
    await hass.config.async_update(language="de")
    await async_load_words(hass)


def test_every_cause_has_words() -> None:
    """By its code, and each finer one by its hint; no word is for none."""
    words = {
        key.removeprefix("cause_")
        for key in english()["common"]
        if key.startswith("cause_")
    }
    codes = {kind.code for kind in KINDS}
    assert len(codes) > len(CAUSES)
    assert (codes | hints()) - words <= set(DRILL_FAILURES)
    assert words <= codes | hints()


def test_every_step_has_a_word() -> None:
    """And no other step is named: an error's step is one of them."""
    words = {key for key in english()["common"] if key.startswith("step_")}
    shown = {step_key(step) for step in STEPS if step not in SILENT_STEPS}
    assert words == shown | {"step_of_cause"}
    named = [
        f"{module_name(path)}: {ast.unparse(node.value)}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]).endswith(".step")
        and isinstance(node.value, ast.Constant)
        and node.value.value is not None
    ]
    assert not named


def test_every_loss_has_words() -> None:
    """For each state that a file can end in without having arrived."""
    words = {key for key in english()["common"] if key.startswith("loss_")}
    ends = (UploadState.GONE, UploadState.DROPPED, UploadState.INCOMPLETE)
    assert words == {f"loss_{end}" for end in (*ends, MISSING)}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_causes_in_words(hass: HomeAssistant, language: str) -> None:
    """Each is said in the language, with its step and with what the server says."""
    await hass.config.async_update(language=language)
    await async_load_words(hass)
    for kind in KINDS:
        error = failure(kind)
        error.step = WRITING
        text = async_why(hass, error)
        assert RAW not in text
        assert async_word(hass, step_key(WRITING)) in text
        assert SAID in text
        assert async_why(hass, Cause.of(error)) == text
        error.said, error.step = "", None
        short = async_why(hass, error)
        assert short in text
        assert short != error.code
        assert not short.endswith(".")
    for hint in hints():
        text = async_why(hass, Cause(code="rejected", hint=hint, about="/a {b}"))
        wanted = texts_of(language)["common"].get(f"cause_{hint}", "")
        assert ("/a {b}" in text) is ("about" in placeholders(wanted)), hint
        assert not text.endswith(".")


async def test_steps_that_say_nothing(hass: HomeAssistant) -> None:
    """A refused login was not anything else than logging in."""
    await async_load_words(hass)
    for step in SILENT_STEPS:
        cause = Cause(code=AuthFailed.code, step=step)
        assert async_why(hass, cause) == "Login refused"


async def test_words_that_are_missing(hass: HomeAssistant) -> None:
    """A cause without words is named by its code: its text stays in the log."""
    assert async_why(hass, Cause(code="of_the_future")) == "of_the_future"


@pytest.mark.usefixtures("mqtt_client", "engine", "german")
async def test_form_of_a_destination(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test fails, for whatever cause."""
    # It makes a step of each kind there is when it is imported.
    importlib.import_module(f"{PACKAGE}.config_flow")
    monkeypatch.setitem(DESTINATIONS, KIND.key, KIND)
    monkeypatch.setitem(FLOWS, KIND.key, MemoryFlow)
    entry = frigate_entry()
    await async_set_up(hass, entry)
    flows = hass.config_entries.subentries
    result: Any = await flows.async_init(
        (entry.entry_id, KIND.key), context={"source": SOURCE_USER}
    )
    typed = {"name": "A", "url": "http://a", "username": "b", "password": "c"}
    texts = texts_of("de")["config_subentries"].values()
    for kind in CAUSES:
        MEMORY.error = failure(kind)
        result = await flows.async_configure(result["flow_id"], typed)
        assert list(result["errors"].values()) == [kind.code]
        reason = result["description_placeholders"]["reason"]
        assert SAID in reason
        shown = [
            each["error"][kind.code] for each in texts if kind.code in each["error"]
        ]
        assert shown
        assert_german(*(text.format_map({"reason": reason}) for text in shown))
    MEMORY.error = None


@pytest.mark.usefixtures("mqtt_client", "german")
@pytest.mark.parametrize(
    ("version", "fault", "options"),
    [
        *(
            ("0.17.2", Kind.STATUS, {"status": status})
            for status in (307, 401, 403, 404, 407, 500, 502)
        ),
        ("0.17.2", Kind.RESET, {"after": 0}),
        ("0.17.2", Kind.HTML, {}),
        ("0.17.2", Kind.EMPTY, {}),
        ("0.13.2", None, {}),
    ],
)
async def test_form_of_frigate(
    hass: HomeAssistant,
    serve_frigate: ServeFrigate,
    version: str,
    fault: Kind | None,
    options: dict[str, Any],
) -> None:
    """Frigate fails in many ways; the integration is not set up yet."""
    server = await serve_frigate(Frigate(version=version))
    flows = hass.config_entries.flow
    result: Any = await flows.async_init(DOMAIN, context={"source": SOURCE_USER})
    typed = {"url": server.url, "verify_ssl": True}
    faults = server.faults.during(fault, "*", **options) if fault else nullcontext()
    with faults:
        result = await flows.async_configure(result["flow_id"], typed)
    (error,) = result["errors"].values()
    text = texts_of("de")["config"]["error"][error]
    text = text.format_map(result["description_placeholders"])
    own, _, said = text.partition("„")
    assert_german(own)
    assert not said or own.endswith("Originalmeldung: ")
    assert fault or "0.13.2" in text


@pytest.mark.usefixtures("german")
@pytest.mark.parametrize("kind", OF_FRIGATE, ids=lambda kind: kind.__name__)
async def test_errors_of_the_form_of_frigate(
    hass: HomeAssistant, kind: type[FrigateError]
) -> None:
    """Each cause that Frigate may have, in each text that may show it."""
    why = async_why(hass, failure(kind))
    for text in texts_of("de")["config"]["error"].values():
        assert_german(text.format_map({"reason": why, "example_url": "http://a"}))


@pytest.mark.usefixtures("mqtt_client", "folders", "german")
async def test_repair_of_a_destination(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """What the issue says, its flow, and the flow's test that fails again."""
    await async_set_up(hass, frigate_entry(subentries=[local_subentry("/media/nas")]))
    texts = texts_of("de")["issues"]["unreachable"]["fix_flow"]
    issue_id = f"unreachable_{LOCAL_ID}"
    for kind in CAUSES:
        cause = Cause.of(failure(kind))
        engine.show_destination(
            LOCAL_ID, problem=Problem.UNREACHABLE, reason=RAW, cause=cause
        )
        issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
        assert issue is not None
        assert SAID in (issue.translation_placeholders or {})["reason"]
        result = await fix(issue_id)
        engine.failure = failure(kind)
        failed = await fix(result)
        assert failed["errors"] == {"base": "test_failed"}
        for shown in (result, failed):
            given = shown["description_placeholders"]
            step = texts["step"][shown["step_id"]]["description"].format_map(given)
            assert SAID in step
            assert_german(step, texts["error"]["test_failed"].format_map(given))


@pytest.mark.usefixtures("mqtt_client", "folders", "german")
async def test_repair_of_a_login(
    hass: HomeAssistant, engine: StandInEngine, fix: Post
) -> None:
    """Each cause has its own text there."""
    await async_set_up(hass, frigate_entry(subentries=[sftp_subentry()]))
    engine.show_destination(
        SFTP_ID, problem=Problem.LOGIN_REFUSED, cause=Cause.of(failure(AuthFailed))
    )
    texts = texts_of("de")["issues"]["login_refused"]["fix_flow"]["error"]
    result = await fix(f"login_refused_{SFTP_ID}")
    for kind in CAUSES:
        if kind.code not in texts:
            continue  # No destination with a login has that.
        engine.failure = failure(kind)
        result = await fix(result, password="")
        assert list(result["errors"].values()) == [kind.code]
        text = texts[kind.code].format_map(result["description_placeholders"])
        assert_german(text)
        assert SAID in text


@pytest.mark.usefixtures("mqtt_client", "folders", "german")
async def test_repair_of_a_host_key(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
) -> None:
    """The server can't be asked for it."""
    stored = sftp_subentry(host="127.0.0.1", port=1)
    await async_set_up(hass, frigate_entry(subentries=[stored]))
    engine.show_destination(SFTP_ID, problem=Problem.HOST_KEY_CHANGED)
    result = await fix(f"host_key_changed_{SFTP_ID}")
    texts = texts_of("de")["issues"]["host_key_changed"]["fix_flow"]["abort"]
    text = texts[result["reason"]].format_map(result["description_placeholders"])
    refused = os.strerror(errno.ECONNREFUSED)
    assert refused in text
    assert_german(text.replace(refused, ""))


@pytest.mark.usefixtures("mqtt_client", "folders", "german")
@pytest.mark.parametrize("kind", AT_HOME, ids=lambda kind: kind.__name__)
async def test_repairs_at_home(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
    kind: type[CausedError],
) -> None:
    """Ledger and disk fail."""
    await async_set_up(hass, frigate_entry())
    cause = Cause.of(failure(kind))
    engine.show(
        disk_full=True,
        ledger_failing=True,
        home_error=RAW,
        disk_cause=cause,
        ledger_cause=cause,
    )
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"disk_full_{ENTRY_ID}")
    assert issue is not None
    text = texts_of("de")["issues"]["disk_full"]["description"]
    shown = [text.format_map(issue.translation_placeholders or {})]
    result = await fix(f"ledger_failing_{ENTRY_ID}")
    step = texts_of("de")["issues"]["ledger_failing"]["fix_flow"]["step"]["confirm"]
    shown.append(step["description"].format_map(result["description_placeholders"]))
    assert_german(*shown)
    assert all(SAID in each for each in shown)


@pytest.mark.usefixtures("mqtt_client", "folders", "german")
@pytest.mark.parametrize("cause", ["gone", "dropped", "incomplete", MISSING])
async def test_repair_of_losses(
    hass: HomeAssistant,
    engine: StandInEngine,
    fix: Post,
    cause: str,
) -> None:
    """Each file with why it is lost."""
    await async_set_up(hass, frigate_entry(subentries=[sftp_subentry()]))
    loss = Loss(destination_id=SFTP_ID, path="clip.mp4", cause=cause, reason=RAW)
    engine.show(losses=Losses(count=1, newest=(loss,)))
    result = await fix(f"items_lost_{ENTRY_ID}")
    why = texts_of("de")["common"][f"loss_{cause}"]
    losses = result["description_placeholders"]["losses"]
    assert losses.endswith(f"clip.mp4 ({why})")
    assert_german(losses)


@pytest.mark.usefixtures("mqtt_client", "entry", "german")
@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        (("button", "press", {ATTR_ENTITY_ID: "button.garage_nas_test"}), CAUSES),
        (
            (DOMAIN, "catch_up", {"config_entry_id": ENTRY_ID}),
            (*OF_FRIGATE, *AT_HOME),
        ),
        ((DOMAIN, "drill", {"config_entry_id": ENTRY_ID}), (*OF_FRIGATE, *AT_HOME)),
    ],
)
async def test_errors_of_actions(
    hass: HomeAssistant,
    engine: StandInEngine,
    call: tuple[str, str, dict[str, Any]],
    kinds: Collection[type[CausedError]],
) -> None:
    """A button or an action fails, for whatever cause."""
    for kind in kinds:
        engine.failure = failure(kind)
        with pytest.raises(HomeAssistantError) as caught:
            await hass.services.async_call(*call, blocking=True)
        key = str(caught.value.translation_key)
        text = texts_of("de")["exceptions"][key]["message"]
        text = text.format_map(caught.value.translation_placeholders or {})
        assert_german(text)
        assert SAID in text


def spoken(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield where a caught error is made a text, but to be logged or raised again."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler) or node.name is None:
            continue
        quiet = {
            id(inner)
            for each in ast.walk(node)
            if isinstance(each, ast.Call)
            and (
                ast.unparse(each.func).startswith("LOGGER.")
                or ast.unparse(each.func) == InvalidPathTemplate.__name__
            )
            for inner in ast.walk(each)
        }
        for each in ast.walk(node):
            match each:
                case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(name)]):
                    is_spoken = name == node.name
                case ast.FormattedValue(value=ast.Name(name)):
                    is_spoken = name == node.name
                case _:
                    continue
            if is_spoken and id(each) not in quiet:
                yield each


def test_no_error_s_own_text_is_shown() -> None:
    """Above the pure rooms no caught error is made a text: that would be English."""
    found = [
        f"{module_name(path)}: {ast.unparse(each)}"
        for path, tree in trees()
        if module_name(path).split(".")[0] not in FLOORS_WITHOUT_WORDS
        for each in spoken(tree)
    ]
    assert not found


@pytest.mark.parametrize(
    ("text", "count"),
    [("str(err)", 1), ("f'No: {err}'", 1), ("LOGGER.info('%s', str(err))", 0)],
)
def test_the_check_itself(text: str, count: int) -> None:
    """A check that finds nothing proves nothing."""
    tree = ast.parse(f"try:\n    go()\nexcept OSError as err:\n    show({text})")
    assert len(list(spoken(tree))) == count


def test_raw_texts_of_the_status_are_not_shown() -> None:
    """What the engine notes for the log is read by the log and by attributes alone."""
    raw = re.compile(r"\.(home_error|reason)$")
    wrong = [
        f"{module_name(path)}: {ast.unparse(node)}"
        for path, tree in trees()
        if module_name(path)
        in ("issues", "repairs", "frigate_repairs", "start_repair", "logbook")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and raw.search(ast.unparse(node))
    ]
    assert not wrong


@pytest.mark.usefixtures("german")
async def test_parts_of_errors_stay_raw(hass: HomeAssistant) -> None:
    """A brace in what a server says is no placeholder."""
    cause = Cause(code="rejected", hint="no_folder", about="{said}", said="{about}")
    text = async_why(hass, cause)
    assert "{said}" in text
    assert "{about}" in text


def test_what_is_quoted_is_not_made_here() -> None:
    """Raw words come from outside; of our own is but the protocol before a number."""
    made = [
        f"{module_name(path)}: {ast.unparse(keyword.value)}"
        for path, tree in trees()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "said"
        for part in ast.walk(keyword.value)
        if isinstance(part, ast.Constant)
        and re.search(r"[a-z]", str(part.value), re.IGNORECASE)
        and not re.fullmatch(r"HTTP (\d+)?", str(part.value))
    ]
    assert not made


@pytest.mark.parametrize(
    "error",
    [
        refusal(DavAnswer(status=423), "write a", "nas"),
        error_of(S3Answer(status=423, headers={}), "write a", "nas"),
        FrigateAnswer(status=423, body=b"", content_type="text/plain").error("/api"),
    ],
    ids=["WebDAV", "S3", "Frigate"],
)
def test_a_refusal_without_words(error: CausedError) -> None:
    """Its number is all there is to look up."""
    assert error.said == "HTTP 423"
