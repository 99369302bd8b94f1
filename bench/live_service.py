"""A simulated Frigate in a process of its own, before whose cameras something happens."""

import asyncio
from collections.abc import AsyncGenerator

from tests.harness.frigate import Frigate, FrigateServer
from tests.harness.frigate.live import beginning, pictures_of

from .child import Job, service_main


def _active_reviews(frigate: Frigate) -> list[tuple[str, str]]:
    """Let a person come before each camera; return the messages: topic and payload."""
    messages: list[tuple[str, str]] = []

    def listen(topic: str, payload: bytes, _retain: bool) -> None:
        if not topic.endswith("/snapshot"):
            messages.append((topic, payload.decode()))

    frigate.listeners.append(listen)
    frigate.connect()
    for camera in frigate.cameras:
        person = frigate.begin_object(camera)
        frigate.confirm_object(person)
        frigate.begin_review([person])
    frigate.listeners.remove(listen)
    return messages


async def _serve(job: Job) -> AsyncGenerator[Job]:
    cameras = [f"camera_{number}" for number in range(job["cameras"])]
    frigate = Frigate(cameras, live=True)
    # The first ones take long: a film would begin late.
    await asyncio.to_thread(beginning)
    await asyncio.to_thread(pictures_of, cameras[0], 0)
    async with FrigateServer(frigate) as server:
        server.live.bit_rate = job["bit_rate"]
        yield {"url": server.url, "messages": _active_reviews(frigate)}
        yield {"clips": server.journal.count("*/clip.mp4")}


if __name__ == "__main__":
    service_main(_serve)
