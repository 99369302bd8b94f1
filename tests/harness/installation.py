"""Sets up MQTT and our integration in a Home Assistant, through its own flows.

The same steps that a person does in its pages, with the same answers.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from .clouds import BUCKET, CLOUD
from .home_assistant import DOMAIN
from .home_assistant_api import HomeAssistantApi, Json
from .processes import wait_until
from .s3_servers import ACCESS_KEY, SECRET_KEY
from .webdav import PASSWORD, USERNAME


class FlowFailed(Exception):
    """A flow did not go the way it should; the text holds the step it ended in."""


def _described(step: Json) -> str:
    keys = ("type", "step_id", "reason", "errors", "description_placeholders")
    return ", ".join(f"{key}={step[key]}" for key in keys if step.get(key))


def expect_form(step: Json, step_id: str) -> Json:
    """Return the step if it is that form, without an error; else raise `FlowFailed`."""
    if step["type"] != "form" or step["step_id"] != step_id or step.get("errors"):
        raise FlowFailed(f"Expected the form {step_id}, got {_described(step)}")
    return step


def expect_created(step: Json) -> Json:
    """Return the step if it made an entry or a subentry; else raise `FlowFailed`."""
    if step["type"] != "create_entry":
        raise FlowFailed(f"Expected an entry, got {_described(step)}")
    return step


async def add_mqtt(api: HomeAssistantApi, port: int, *, protocol: str = "5") -> str:
    """Set up Home Assistant's MQTT integration; returns the entry's id."""
    step = expect_form(await api.start_config_flow("mqtt"), "broker")
    answers = {
        "broker": "127.0.0.1",
        "port": port,
        "protocol": protocol,
        "other_settings": {
            "set_client_cert": False,
            "set_ca_cert": "off",
            "transport": "tcp",
        },
    }
    return await _created_entry(api, step, answers)


async def add_frigate(
    api: HomeAssistantApi, url: str, *, more: Mapping[str, Any] | None = None
) -> str:
    """Set up our integration; returns the entry's id once it is loaded."""
    step = expect_form(await api.start_config_flow(DOMAIN), "user")
    step = await api.submit(step, {"url": url, "verify_ssl": True, **(more or {})})
    return await _created_entry(api, step, {"next_step_id": "later"})


async def _created_entry(
    api: HomeAssistantApi, step: Json, answers: Mapping[str, Any]
) -> str:
    step = expect_created(await api.submit(step, answers))
    entry_id: str = step["result"]["entry_id"]
    await wait_loaded(api, step["handler"], entry_id)
    return entry_id


async def wait_loaded(api: HomeAssistantApi, domain: str, entry_id: str) -> None:
    """Wait until an entry is loaded; raises TimeoutError if it isn't soon."""

    async def loaded() -> bool:
        return any(
            entry["entry_id"] == entry_id and entry["state"] == "loaded"
            for entry in await api.entries(domain)
        )

    await wait_until(loaded, f"the entry of {domain} is loaded", timeout=30)


async def wait_subscribed(api: HomeAssistantApi) -> None:
    """Wait until the broker has got all subscriptions made so far.

    Home Assistant gathers them for a moment before it sends them. One made now comes
    after them; its topic is one that nothing else waits for, so that its message
    answers this one.
    """
    topic = f"subscribed/{uuid4().hex}"
    await api.call_service("mqtt", "publish", topic=topic, payload="yes", retain=True)
    await api.first_mqtt_message(topic)


async def set_options(
    api: HomeAssistantApi, entry_id: str, options: Mapping[str, Any]
) -> None:
    """Set options of our integration, and wait until it is loaded with them.

    Those that are not named keep their values. Raises `FlowFailed` for one
    that the form doesn't have.
    """
    step = expect_form(await api.start_options_flow(entry_id), "init")
    answers = {}
    for field in step["data_schema"]:
        suggested = (field.get("description") or {}).get("suggested_value")
        answers[field["name"]] = (
            field.get("default") if suggested is None else suggested
        )
    if unknown := options.keys() - answers.keys():
        raise FlowFailed(f"No such options: {', '.join(sorted(unknown))}")
    expect_created(await api.submit(step, {**answers, **options}))
    # It is loaded anew by itself, soon; this one is waited for.
    await api.request("POST", f"config/config_entries/entry/{entry_id}/reload")
    await wait_loaded(api, DOMAIN, entry_id)


async def add_local(
    api: HomeAssistantApi,
    entry_id: str,
    *,
    name: str,
    path: Path,
    more: Mapping[str, Any] | None = None,
) -> str:
    """Add a folder as a destination; returns the subentry's id."""
    answers = {"name": name, "path": str(path), **(more or {})}
    return await add_by_form(api, entry_id, "local", answers)


async def add_sftp(
    api: HomeAssistantApi,
    entry_id: str,
    *,
    name: str,
    port: int,
    username: str,
    path: str,
    fingerprint: str,
    authorize: Callable[[str], object],
    more: Mapping[str, Any] | None = None,
) -> str:
    """Add an SFTP server on this machine; returns the subentry's id.

    Neither password nor key is given: the flow makes a key, which `authorize`
    is called with (a line for `authorized_keys`). The host key that is shown
    is confirmed only if it has that fingerprint; else `FlowFailed` is raised.
    """
    step = expect_form(await api.start_subentry_flow(entry_id, "sftp"), "user")
    answers = {
        "name": name,
        "host": "127.0.0.1",
        "port": port,
        "username": username,
        "path": path,
        **(more or {}),
    }
    step = await api.submit(step, answers)
    for _ in range(3):
        if step["type"] != "form" or step.get("errors"):
            break
        shown = step.get("description_placeholders") or {}
        if step["step_id"] == "host_key":
            if shown.get("fingerprint") != fingerprint:
                raise FlowFailed(f"Not the server's fingerprint: {_described(step)}")
        elif "public_key" in shown:
            authorize(shown["public_key"])
        else:
            break
        step = await api.submit(step)
    expect_created(step)
    return await _subentry_id(api, entry_id, name)


async def add_by_form(
    api: HomeAssistantApi, entry_id: str, kind: str, answers: Mapping[str, Any]
) -> str:
    """Add a destination of a kind that asks once; returns the subentry's id."""
    step = expect_form(await api.start_subentry_flow(entry_id, kind), "user")
    expect_created(await api.submit(step, answers))
    return await _subentry_id(api, entry_id, answers["name"])


async def add_bucket(
    api: HomeAssistantApi, entry_id: str, url: str, **answers: Any
) -> str:
    """Add rclone's bucket `cams`; returns the subentry's id.

    `answers` are those that are not usual.
    """
    usual = {
        "name": BUCKET,
        "endpoint_url": url,
        "region": "us-east-1",
        "bucket": "cams",
        "access_key_id": ACCESS_KEY,
        "secret_access_key": SECRET_KEY,
        "verify_ssl": True,
    }
    return await add_by_form(api, entry_id, "s3", usual | answers)


async def add_cloud(
    api: HomeAssistantApi, entry_id: str, url: str, **answers: Any
) -> str:
    """Add a WebDAV server; returns the subentry's id.

    `answers` are those that are not usual.
    """
    usual = {
        "name": CLOUD,
        "url": url,
        "username": USERNAME,
        "password": PASSWORD,
        "verify_ssl": True,
    }
    return await add_by_form(api, entry_id, "webdav", usual | answers)


async def _subentry_id(api: HomeAssistantApi, entry_id: str, name: str) -> str:
    for subentry in await api.subentries(entry_id):
        if subentry["title"] == name:
            subentry_id: str = subentry["subentry_id"]
            return subentry_id
    raise FlowFailed(f"No destination named {name} was made")
