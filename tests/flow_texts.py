"""What a flow shows, held against its English texts.

Home Assistant shows a raw key where a text is missing, and nothing fails. The
fixture check_flow_texts (conftest) runs this over every step of our flows that any
test makes.
"""

from collections.abc import Iterator, Mapping
from functools import cache
import json
import re
from typing import Any, Final

from homeassistant.components.repairs import RepairsFlow
from homeassistant.config_entries import ConfigSubentryFlow, OptionsFlow
from homeassistant.data_entry_flow import FlowHandler, FlowResultType, section

from .source import INTEGRATION, PACKAGE

LANGUAGES: Final = sorted(
    path.stem for path in (INTEGRATION / "translations").iterdir()
)
"""The languages that have a file."""


@cache
def texts_of(language: str) -> dict[str, Any]:
    """Return the texts of a language."""
    loaded: dict[str, Any] = json.loads(
        (INTEGRATION / "translations" / f"{language}.json").read_text()
    )
    return loaded


def english() -> dict[str, Any]:
    """Return the English texts."""
    return texts_of("en")


def leaves(tree: dict[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text with its path."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, *path, key)
        else:
            yield (*path, key), value


def placeholders(text: str) -> set[str]:
    """Return the names in braces."""
    return set(re.findall(r"\{(\w+)\}", text))


def missing_texts(
    flow: FlowHandler[Any, Any, Any], result: Mapping[str, Any]
) -> list[str]:
    """Return what the result of a step needs and the English texts lack."""
    if not type(flow).__module__.startswith(f"{PACKAGE}."):
        return []
    if isinstance(flow, ConfigSubentryFlow):
        texts = english()["config_subentries"][flow.handler[1]]
    elif isinstance(flow, RepairsFlow):
        assert flow.data is not None
        texts = english()["issues"][flow.data["problem"]]["fix_flow"]
    else:
        texts = english()["options" if isinstance(flow, OptionsFlow) else "config"]
    return [f"{'.'.join(where)}: {what}" for where, what in _missing(texts, result)]


SAFE: Final = frozenset({"failures", "losses", "url", "example_url"})
"""Placeholders that are Markdown themselves, made of safe pieces, or real links."""

_ACTIVE: Final = re.compile(
    # What Markdown or HTML could take for its own: not behind a backslash, nor is it
    # part of a pair of backslashes.
    r"(?<!\\)(?:\\\\)*([`*\[\]<>~|]|!\[|://|www\.|&\w+;|(?<![^\W_])_|_(?![^\W_]))"
)


def unsafe(text: str, values: Mapping[str, str]) -> list[str]:
    """Return the placeholders of a text in Markdown that are not escaped in it."""
    fences = re.findall(r"```.*?```|`[^`]*`", text, re.DOTALL)
    in_code = {name for fence in fences for name in placeholders(fence)}
    for fence in fences:
        text = text.replace(fence, "")
    in_text = placeholders(text)
    found = [name for name in in_text - SAFE if _ACTIVE.search(values.get(name, ""))]
    found += [name for name in in_code if "`" in values.get(name, "")]
    found += [
        name
        for name in (in_text | in_code) - SAFE
        if not values.get(name, "").isprintable()
    ]
    return found


def unsafe_issue(issue_id: str, issue: Mapping[str, Any]) -> list[str]:
    """Return what is not escaped in the description of an issue."""
    text = english()["issues"][issue["translation_key"]].get("description", "")
    values = issue.get("translation_placeholders") or {}
    return [f"{issue_id}: {{{name}}} is not escaped" for name in unsafe(text, values)]


def _missing(
    texts: dict[str, Any], result: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], str]]:
    given = result.get("description_placeholders") or {}
    match result["type"]:
        case FlowResultType.FORM:
            where: tuple[str, ...] = ("step", result["step_id"])
            step = texts.get("step", {}).get(result["step_id"], {})
            for key in ("title", "description"):
                if key in step:
                    yield from _unfilled((*where, key), step[key], given)
            for name in unsafe(step.get("description", ""), given):
                yield (*where, "description"), f"{{{name}}} is not escaped"
            if "title" not in step:
                yield where, "no title"
            if schema := result.get("data_schema"):
                yield from _missing_of_fields(where, step, schema.schema, given)
            for error in (result.get("errors") or {}).values():
                yield from _missing_text(texts, ("error", error), given)
        case FlowResultType.ABORT:
            yield from _missing_text(texts, ("abort", result["reason"]), given)
            text = texts.get("abort", {}).get(result["reason"], "")
            for name in unsafe(text, given):
                yield ("abort", result["reason"]), f"{{{name}}} is not escaped"


def _missing_of_fields(
    where: tuple[str, ...],
    step: dict[str, Any],
    schema: Mapping[Any, Any],
    given: Mapping[str, str],
) -> Iterator[tuple[tuple[str, ...], str]]:
    for marker, field in schema.items():
        name = str(marker)
        if isinstance(field, section):
            inner = ("sections", name)
            yield from _missing_text(step, (*inner, "name"), given, where)
            texts = step.get("sections", {}).get(name, {})
            yield from _missing_of_fields(
                (*where, *inner), texts, field.schema.schema, given
            )
            continue
        for kind in ("data", "data_description"):
            yield from _missing_text(step, (kind, name), given, where)
        config = getattr(field, "config", {})
        if key := config.get("translation_key"):
            for option in config["options"]:
                yield from _missing_text(
                    english(), ("selector", key, "options", option), given
                )


def _missing_text(
    texts: dict[str, Any],
    path: tuple[str, ...],
    given: Mapping[str, str],
    prefix: tuple[str, ...] = (),
) -> Iterator[tuple[tuple[str, ...], str]]:
    found: Any = texts
    for key in path:
        found = found.get(key, {})
    if isinstance(found, str) and found:
        yield from _unfilled((*prefix, *path), found, given)
    else:
        yield (*prefix, *path), "no text"


def _unfilled(
    where: tuple[str, ...], text: str, given: Mapping[str, str]
) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in sorted(placeholders(text) - set(given)):
        yield where, f"nothing fills {{{name}}}"
