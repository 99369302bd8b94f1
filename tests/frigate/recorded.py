"""The recorded answers and sessions of real Frigates, as Python values."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
import functools
import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parents[1] / "fixtures" / "recorded"
VERSIONS = ("0.16.4", "0.17.2", "0.18.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP answer: what it was to, and what it says."""

    path: str
    status: int
    headers: dict[str, str]
    body: bytes
    method: str = "GET"


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttMessage:
    """A line of a recorded MQTT session."""

    time: float
    topic: str
    retain: bool
    payload: bytes


@functools.cache
def reply(version: str, name: str) -> Reply:
    """Return the recorded HTTP answer `name`."""
    folder = RECORDED / version / "http"
    document: dict[str, Any] = json.loads((folder / f"{name}.json").read_bytes())
    if "json" in document:
        body = json.dumps(document["json"]).encode()
    elif "text" in document:
        body = document["text"].encode()
    else:
        body = (folder / document["body_file"]).read_bytes()
    return Reply(
        path=document["path"],
        status=document["status"],
        headers=document["headers"],
        body=body,
        method=document["method"],
    )


def media(version: str, name: str) -> Path:
    """Return the path of a recorded picture or clip."""
    return RECORDED / version / "media" / name


def sessions(version: str) -> list[str]:
    """Return the names of the recorded MQTT sessions."""
    return sorted(path.stem for path in (RECORDED / version).glob("mqtt-*.jsonl"))


@functools.cache
def topic_prefix(version: str, session: str) -> str:
    """Return the topic prefix of a recorded MQTT session."""
    scenarios = json.loads((RECORDED / version / "scenarios.json").read_bytes())
    return str(scenarios[f"{session}.jsonl"]["topic_prefix"])


def messages(version: str, session: str) -> Iterator[MqttMessage]:
    """Yield the messages of a recorded MQTT session."""
    with (RECORDED / version / f"{session}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            yield MqttMessage(
                time=document["t"],
                topic=document["topic"],
                retain=document["retain"],
                payload=base64.b64decode(document["payload_b64"])
                if "payload_b64" in document
                else document["payload"].encode(),
            )
