"""The English texts and icons against the code, both ways.

What the flows really show is checked wherever a test runs them (flow_texts).
"""

import ast
from collections.abc import Iterator
import importlib
import json
import re
from typing import Any

import asyncssh
import pytest

from custom_components.frigate_snap_sync.const import DOMAIN
from custom_components.frigate_snap_sync.event import UPLOAD
from custom_components.frigate_snap_sync.flows.kinds import FLOWS
from custom_components.frigate_snap_sync.frigate.models import Severity
from custom_components.frigate_snap_sync.issues import (
    BUDGET_SPENT,
    FRIGATE_ISSUES,
    SPACE_LOW,
)
from custom_components.frigate_snap_sync.owner_requests import ABOUT
from custom_components.frigate_snap_sync.repairs import async_create_fix_flow
from custom_components.frigate_snap_sync.start_repair import LEDGER_NOT_OPENED
from custom_components.frigate_snap_sync.storage.errors import CAUSES
from custom_components.frigate_snap_sync.storage.sftp.errors import connect_error
from custom_components.frigate_snap_sync.sync.model.errors import Refusal
from custom_components.frigate_snap_sync.sync.model.item import Media, Role
from custom_components.frigate_snap_sync.sync.model.status import (
    DRILL_FAILURES,
    DrillState,
    DrillStep,
    Problem,
    Protection,
    Reason,
)
from custom_components.frigate_snap_sync.words import async_load_words, async_why
from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import HANDLERS
from homeassistant.const import BASE_PLATFORMS
from homeassistant.core import HomeAssistant
from homeassistant.generated import languages
from homeassistant.helpers.entity import EntityDescription
from homeassistant.util.yaml import load_yaml_dict

from .flow_texts import LANGUAGES, english, leaves, placeholders, texts_of
from .source import INTEGRATION, PACKAGE, ROOT, module_name, string_literals, trees

CATEGORIES = {
    "common",
    "conditions",
    "config",
    "config_subentries",
    "device",
    "entity",
    "exceptions",
    "issues",
    "options",
    "selector",
    "services",
    "system_health",
    "triggers",
}

# Steps that Home Assistant itself starts and that show no form of their own.
STEPS_WITHOUT_FORM = {"reauth", "mqtt"}
# The lines of the menu that the config flow shows after its form.
FIRST_DESTINATIONS = {*FLOWS, "later"}
# Mistakes that a destination's form of any kind can show.
SHARED_MISTAKES = (
    *("name_missing", "media_missing", "entity_missing", "states_missing"),
    *("invalid_template", "retention_not_possible"),
    *("append_only_needed", "verify_not_possible", "shared_place"),
)
# The step that every repair begins with shows one of the others.
FIRST_STEP_OF_REPAIRS = {"init"}

# Reasons to abort that Home Assistant's own methods give.
REASONS_OF_HOME_ASSISTANT = {
    "already_configured",
    "already_in_progress",
    "reauth_successful",
    "reconfigure_successful",
    "unique_id_mismatch",
}

# Errors that end in one of these were not translated.
TRANSLATED_ERRORS = {
    "BrowseError",
    "ConfigEntryAuthFailed",
    "ConfigEntryError",
    "ConfigEntryNotReady",
    "HomeAssistantError",
    "ServiceValidationError",
    "Unresolvable",
    "UpdateFailed",
}


FIXABLE = [
    *(problem.value for problem in Problem),
    *(key for key, issue in FRIGATE_ISSUES.items() if issue.is_fixable),
]
"""What has a flow."""


def repair_flow(problem: str) -> type[RepairsFlow]:
    """Return the class of the flow that repairs a problem."""
    hass: Any = None
    flow = async_create_fix_flow(hass, problem, {"problem": problem})
    # It awaits nothing.
    with pytest.raises(StopIteration) as done:
        flow.send(None)
    return type(done.value.value)


def sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the texts of every kind of flow, with its name."""
    yield "config", english()["config"]
    yield "options", english()["options"]
    yield from english()["config_subentries"].items()
    for key, issue in english()["issues"].items():
        if "fix_flow" in issue:
            yield f"issues.{key}", issue["fix_flow"]


def steps_in_code() -> dict[str, set[str]]:
    """Return the steps of every kind of flow that our classes define."""
    importlib.import_module(f"{PACKAGE}.config_flow")
    config_flow: Any = HANDLERS[DOMAIN]
    flows: dict[str, Any] = {
        "config": config_flow,
        "options": type(config_flow.async_get_options_flow(None)),
        **config_flow.async_get_supported_subentry_types(None),
        **{f"issues.{problem}": repair_flow(problem) for problem in FIXABLE},
    }
    return {
        kind: {
            name.removeprefix("async_step_")
            for ours in flow.__mro__
            if ours.__module__.startswith(PACKAGE)
            for name in vars(ours)
            if name.startswith("async_step_")
        }
        for kind, flow in flows.items()
    }


def descriptions(platform: str) -> list[EntityDescription]:
    """Return the entity descriptions of a platform's module.

    By their look: an instance of a platform's plain description is of a class that
    Home Assistant makes, which is no EntityDescription.
    """
    module = importlib.import_module(f"{PACKAGE}.{platform}")
    found = []
    for value in vars(module).values():
        members = value if isinstance(value, tuple | list) else (value,)
        found += [
            item
            for item in members
            if not isinstance(item, type)
            and hasattr(item, "entity_registry_enabled_default")
        ]
    return found


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of functions with one of the names, and where they are."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func).rpartition(".")[2]
                if called in names:
                    yield f"{module_name(path)}:{node.lineno}", node


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """Return the named arguments of a call."""
    return {item.arg: item.value for item in call.keywords if item.arg}


PLATFORMS = sorted(
    {str(platform) for platform in BASE_PLATFORMS}
    & {path.stem for path in INTEGRATION.glob("*.py")}
)


def test_files() -> None:
    """English and languages of Home Assistant, in the folder that it reads."""
    files = {path.name for path in (INTEGRATION / "translations").iterdir()}
    assert files == {f"{language}.json" for language in LANGUAGES}
    assert {"en"} < set(LANGUAGES) <= languages.LANGUAGES
    assert not (INTEGRATION / "strings.json").exists()
    assert set(english()) <= CATEGORIES


def test_keys_are_slugs() -> None:
    """Lower-case snake keys throughout."""
    parts = {part for path, _ in leaves(english()) for part in path}
    assert not {part for part in parts if not re.fullmatch(r"[a-z0-9_]+", part)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_clean(language: str) -> None:
    """What hassfest refuses, and Home Assistant's style of names."""
    wrong = {}
    for path, text in leaves(texts_of(language)):
        rules = {
            "empty": not text,
            "blanks around": text != text.strip(),
            "a URL": re.search(r"https?://", text),
            "HTML": re.search(r"</?[a-zA-Z]", text),
            "a placeholder in quotes": re.search(r"'\{\w+\}'", text),
            "braces": re.sub(r"\{[a-z_]+\}", "", text).strip("{}")
            != re.sub(r"\{[a-z_]+\}", "", text),
            "a reference": text.startswith("[%key:"),
            "HA": re.search(r"\bHA\b", text),
            "a period": path[-1] in {"name", "title"} and text.endswith("."),
        }
        if broken := [rule for rule, hit in rules.items() if hit]:
            wrong[".".join(path)] = broken
    assert not wrong


def test_every_step_has_texts_and_every_text_a_step() -> None:
    """Steps of the flows, by kind of flow."""
    written = {kind: set(texts["step"]) for kind, texts in sections()}
    coded = steps_in_code()
    assert written == {
        kind: steps
        - STEPS_WITHOUT_FORM
        - (FIRST_DESTINATIONS if kind == "config" else set())
        - (FIRST_STEP_OF_REPAIRS if kind.startswith("issues.") else set())
        for kind, steps in coded.items()
    }


def test_what_all_kinds_share_is_said_of_each() -> None:
    """The same fields and mistakes have the same texts in the form of every kind."""
    texts = english()["config_subentries"]
    said = {
        kind: (
            [texts[kind]["step"][step]["sections"] for step in ("user", "reconfigure")],
            {error: texts[kind]["error"].get(error) for error in SHARED_MISTAKES},
        )
        for kind in FLOWS
    }
    assert said == dict.fromkeys(FLOWS, said["local"])


def test_every_line_of_the_menu_is_described() -> None:
    """Each kind of destination, and what it means to add none yet."""
    texts = english()["config"]["step"]["first_destination"]
    assert texts["menu_options"].keys() == FIRST_DESTINATIONS
    assert texts["menu_option_descriptions"].keys() == FIRST_DESTINATIONS


def test_every_field_is_described() -> None:
    """A label and a description for each field, in sections too."""

    def forms(step: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield step
        yield from step.get("sections", {}).values()

    for kind, texts in sections():
        for name, step in texts["step"].items():
            for form in forms(step):
                assert set(form.get("data", ())) == set(
                    form.get("data_description", ())
                ), f"{kind}.{name}"


def test_examples_are_no_links() -> None:
    """The frontend turns a bare URL in a text of Markdown into a link.

    The URL that a login is asked for is a real one, and may be opened.
    """
    markdown = {
        ".".join(path): text
        for path, text in leaves(english())
        if "data_description" in path or path[-1] == "description"
    }
    bare = {
        (path, name)
        for path, text in markdown.items()
        for name in placeholders(re.sub(r"`[^`]*`", "", text))
        if "url" in name
    }
    assert bare == {("config.step.reauth_confirm.description", "url")}


def test_keys_have_hints() -> None:
    """What to paste, from where to where, and what to compare with what."""
    sftp = english()["config_subentries"]["sftp"]["step"]
    log_in = english()["issues"]["login_refused"]["fix_flow"]["step"]
    for form in (sftp["user"], sftp["reconfigure"], log_in["credentials"]):
        hint = form["data_description"]["private_key"]
        assert "paste" in hint
        assert "`-----BEGIN`" in hint
    changed = english()["issues"]["host_key_changed"]["fix_flow"]["step"]["confirm"]
    for step in (sftp["host_key"], changed):
        assert "ssh-keygen -lf" in step["description"]
    for step in (sftp["public_key"], log_in["public_key"]):
        assert "`.ssh/authorized_keys`" in step["data_description"]["public_key"]
        assert "Run it there" in step["data_description"]["command"]


def test_every_cause_has_a_text_in_every_form() -> None:
    """A test of a destination may fail with each cause of its kind."""
    everything = {cause.code for cause in CAUSES}
    web = {"not_webdav", "redirected", "ssl_error", "throttled"}
    bucket = {"bucket_not_found", "clock_skew", "wrong_region"}
    foreign = {
        "sftp": {"not_mounted", "path_not_allowed", *web, *bucket},
        "s3": {
            "not_webdav",
            *("host_key_changed", "invalid_key", "no_sftp", "not_mounted"),
            *("path_not_absolute", "path_not_allowed", "path_not_found"),
        },
        "local": {
            *web,
            *bucket,
            "host_key_changed",
            "invalid_auth",
            "invalid_key",
            "no_sftp",
            "unusable",
        },
        "webdav": {
            "host_key_changed",
            "invalid_key",
            "no_sftp",
            "not_mounted",
            "path_not_absolute",
            "path_not_allowed",
            *bucket,
        },
    }
    for kind, texts in english()["config_subentries"].items():
        assert everything - set(texts["error"]) == foreign[kind], kind
    log_in = english()["issues"]["login_refused"]["fix_flow"]["error"]
    # Home Assistant knows no way to change the path there.
    unknown = {"not_mounted", "path_not_allowed", "path_not_absolute"}
    assert everything - set(log_in) == unknown


@pytest.mark.parametrize(
    "err",
    [
        TimeoutError(),
        ConnectionRefusedError(111, "Connection refused"),
        asyncssh.PermissionDenied("Permission denied for user u on host h"),
        asyncssh.ProtocolError("Too many authentication failures"),
        asyncssh.ConnectionLost("Connection lost"),
        asyncssh.KeyExchangeFailed("No matching cipher"),
        ValueError("nonsense"),
    ],
    ids=lambda err: type(err).__name__,
)
@pytest.mark.parametrize("credentials_sent", [False, True])
async def test_nothing_is_said_twice(
    hass: HomeAssistant, err: Exception, credentials_sent: bool
) -> None:
    """A form's error and the reason in it don't repeat each other."""
    await async_load_words(hass)
    cause = connect_error(err, "nas", 22, credentials_sent=credentials_sent)
    login = english()["issues"]["login_refused"]["fix_flow"]
    for texts in (english()["config_subentries"]["sftp"], login):
        text = texts["error"][cause.code].format(reason=async_why(hass, cause))
        words = re.findall(r"[\w']+", text.lower())
        runs = list(zip(words, words[1:], words[2:], strict=False))
        assert len(runs) == len(set(runs)), text
        assert words.count("refused") <= 1, text
        assert words.count("login") <= 1, text


@pytest.mark.parametrize("category", ["error", "abort"])
def test_no_text_of_flows_is_dead(category: str) -> None:
    """Each error and each reason to abort is named in the code."""
    literals = string_literals("flows", "config_flow", "repairs", "frigate_repairs")
    if category == "abort":
        literals |= REASONS_OF_HOME_ASSISTANT
    else:
        literals |= {cause.code for cause in CAUSES}
    dead = {
        f"{kind}.{key}"
        for kind, texts in sections()
        for key in texts.get(category, ())
        if key not in literals
    }
    assert not dead


def test_no_field_is_dead() -> None:
    """Each field that has a text is a key in the code."""
    # Home Assistant's own names of fields (CONF_HOST …) count by their value.
    constants = importlib.import_module("homeassistant.const")
    literals = string_literals() | {
        getattr(constants, node.id)
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id.startswith("CONF_")
        if hasattr(constants, node.id)
    }
    fields = {
        path[-1]
        for _, texts in sections()
        for path, _ in leaves(texts["step"])
        if len(path) > 1 and path[-2] == "data"
    }
    assert fields
    assert fields <= literals


@pytest.mark.parametrize("platform", PLATFORMS)
def test_entities_are_named(platform: str) -> None:
    """Every entity has a name, every name an entity."""
    keys = {item.translation_key or item.key for item in descriptions(platform)}
    assert keys
    assert set(english()["entity"][platform]) == keys
    assert all(texts["name"] for texts in english()["entity"][platform].values())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_entities_have_icons(platform: str) -> None:
    """An icon for every entity that gets none from its device class."""
    icons = json.loads((INTEGRATION / "icons.json").read_text())["entity"].get(
        platform, {}
    )
    keys = {item.key: item.device_class for item in descriptions(platform)}
    assert set(icons) <= set(keys)
    assert {key for key, kind in keys.items() if kind is None} <= set(icons)
    for icon in icons.values():
        assert icon["default"].startswith("mdi:")
        states = icon.get("state", {})
        assert all(value.startswith("mdi:") for value in states.values())
        assert icon["default"] not in states.values()
        steps = [float(step) for step in icon.get("range", {})]
        assert steps == sorted(steps)


def test_entity_texts_are_of_known_platforms() -> None:
    """No names for a platform that is not there."""
    assert set(english()["entity"]) == set(PLATFORMS)


def test_words() -> None:
    """What the media browser says of a file, and Activity of an upload."""
    words = dict(english()["common"])
    activity = {key: words.pop(key) for key in list(words) if "activity" in key}
    # Those of causes are checked with what they say (test_words).
    causes = re.compile(r"cause_|loss_|step_|message_of_cause$")
    words = {key: text for key, text in words.items() if not causes.match(key)}
    assert {key: placeholders(text) for key, text in activity.items()} == {
        "activity_removed": set(),
        "activity_what": {"camera", "media"},
        "activity_verified": {"destination", "what"},
        "activity_failed": {"destination", "reason", "what"},
    }
    kinds = (media.kind for media in Media)
    # The last is what the devices of cameras are.
    assert words.pop("tile_live_snapshot")
    assert set(words) == {*Severity, *kinds, *(set(Role) - {Role.WHOLE}), "camera"}


def test_exceptions() -> None:
    """Every error that a user may see is translated, and its placeholders fit."""
    texts = {
        key: placeholders(value["message"])
        for key, value in english().get("exceptions", {}).items()
    }
    used = {
        str(refusal): {ABOUT[refusal]} if refusal in ABOUT else set()
        for refusal in Refusal
    }
    for where, call in calls(*TRANSLATED_ERRORS):
        given = keywords(call)
        assert {"translation_domain", "translation_key"} <= set(given), where
        assert not call.args, where
        if ast.unparse(given["translation_key"]) == "err.code.value":
            assert where.startswith("owner_requests:"), where
            continue
        key = ast.literal_eval(given["translation_key"])
        filled = given.get("translation_placeholders", ast.Dict())
        assert isinstance(filled, ast.Dict), where
        used[key] = {ast.literal_eval(name) for name in filled.keys if name}
    assert used == texts


def test_issues() -> None:
    """Every repair has its texts, and exactly one way to be told."""
    issues = english()["issues"]
    about_frigates = {*FRIGATE_ISSUES, LEDGER_NOT_OPENED}
    assert set(issues) == {*Problem, *about_frigates, SPACE_LOW, BUDGET_SPENT}
    for key, issue in issues.items():
        fixable = key in set(FIXABLE)
        assert set(issue) == {"title", "fix_flow" if fixable else "description"}
        # A title is no Markdown, so that what is in it must not be escaped.
        assert placeholders(issue["title"]) <= (
            set() if key in about_frigates else {"destination"}
        )


def test_only_escaped_texts_are_in_markdown() -> None:
    """What the owner or a server wrote has another name where it is escaped."""
    for key, issue in english()["issues"].items():
        flow = issue.get("fix_flow", {})
        markdown = [issue.get("description", ""), *flow.get("abort", {}).values()]
        markdown += [
            step.get("description", "") for step in flow.get("step", {}).values()
        ]
        for text in markdown:
            assert not placeholders(text) & {"destination", "reason"}, key


def services() -> dict[str, Any]:
    """Return what services.yaml says."""
    return load_yaml_dict(str(INTEGRATION / "services.yaml"))


def test_actions() -> None:
    """Every action and each of its fields is named and described, and has an icon."""
    texts = english()["services"]
    assert set(texts) == set(services())
    for name, service in services().items():
        assert texts[name]["name"]
        assert texts[name]["description"]
        assert set(texts[name]["fields"]) == set(service["fields"]), name
        for field in texts[name]["fields"].values():
            assert field["name"]
            assert field["description"]
    icons = json.loads((INTEGRATION / "icons.json").read_text())["services"]
    assert set(icons) == set(services())
    assert all(icon["service"].startswith("mdi:") for icon in icons.values())


@pytest.mark.parametrize("kind", ["trigger", "condition"])
def test_triggers_and_conditions(kind: str) -> None:
    """Each and every field of it is named and described, and has an icon."""
    described = load_yaml_dict(str(INTEGRATION / f"{kind}s.yaml"))
    described = {key: each for key, each in described.items() if key[0] != "."}
    module = importlib.import_module(f"{PACKAGE}.{kind}")
    assert set(described) == set(getattr(module, f"{kind.upper()}S"))
    texts = english()[f"{kind}s"]
    assert set(texts) == set(described)
    for name, each in described.items():
        assert texts[name]["name"]
        assert texts[name]["description"]
        assert set(texts[name]["fields"]) == set(each["fields"]), name
        for field in texts[name]["fields"].values():
            assert field["name"]
            assert field["description"]
    icons = json.loads((INTEGRATION / "icons.json").read_text())[f"{kind}s"]
    assert set(icons) == set(described)
    assert all(icon[kind].startswith("mdi:") for icon in icons.values())


def test_selectors() -> None:
    """Every option that can be chosen has its text, and every text an option."""
    triggers = load_yaml_dict(str(INTEGRATION / "triggers.yaml"))
    selects = [
        field["selector"]["select"]
        for each in (*services().values(), *triggers.values())
        for field in each["fields"].values()
        if "select" in field["selector"]
    ]
    assert selects
    texts = english()["selector"]
    for select in selects:
        written = set(texts[select["translation_key"]]["options"])
        assert written == set(select["options"])
    assert set(texts) == {
        "cancellable_state",
        "live_footage",
        "media",
        "protection",
        "selected_media",
        "severity",
        "upload_media",
        "upload_state",
    }


def test_states_of_entities() -> None:
    """Every state that an entity may have has its text."""
    sensors = english()["entity"]["sensor"]
    assert set(sensors["protection"]["state"]) == set(Protection)
    reasons = sensors["protection"]["state_attributes"]["reasons"]["state"]
    assert set(reasons) == set(Reason)
    assert set(sensors["last_drill"]["state"]) == set(DrillState)
    drill = sensors["last_drill"]["state_attributes"]
    assert set(drill["cause"]["state"]) == set(DRILL_FAILURES)
    assert set(drill["step"]["state"]) == set(DrillStep)
    attributes = english()["entity"]["event"]["upload"]["state_attributes"]
    assert set(attributes["event_type"]["state"]) == set(UPLOAD.event_types or ())
    kinds = {media.kind for media in Media}
    assert set(attributes["media"]["state"]) == kinds
    assert set(attributes["severity"]["state"]) == set(Severity)
    assert set(attributes["cause"]["state"]) == {"gone", "dropped", "incomplete"}


def test_readme_and_docs_name_what_a_user_sees() -> None:
    """Every entity and every field of a form is explained somewhere."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    prose = "\n".join(page.read_text() for page in pages).lower()
    labels = {
        text
        for path, text in leaves(english())
        if (path[0] == "entity" and path[-1] == "name" and len(path) == 4)
        or "data" in path
    }
    assert labels
    assert not {label for label in labels if label.lower() not in prose}
