"""A Frigate behind its login port: TLS, a password, a base path, an old version."""

from pathlib import Path

from ..harness.arrivals import Kind
from ..harness.frigate import Auth, Frigate, Timing
from ..harness.installation import add_frigate, add_local, add_mqtt, wait_subscribed
from .stage import FOLDER, open_stage

RECORDING_SECONDS = 60


async def test_login_port(tmp_path: Path) -> None:
    """All arrives from there too, with a login that runs out on the way."""
    auth = Auth(session=15)
    frigate = Frigate(
        version="0.16.4",
        topic_prefix="home/nvr",
        client_id="nvr1",
        timing=Timing().scaled(0.1),
    )
    async with open_stage(
        tmp_path, frigate, auth=auth, base_path="/cameras", destinations=(FOLDER,)
    ) as stage:
        api = stage.home_assistant.api
        await add_mqtt(api, stage.broker.port)
        entry_id = await add_frigate(
            api,
            stage.server.url,
            more={
                "username": "viewer",
                "password": "viewer-password",
                "verify_ssl": False,
            },
        )
        await add_local(api, entry_id, name=FOLDER, path=stage.folder)
        await wait_subscribed(api)
        visit = stage.story.visit("back-yard_2", "traffic light", 2)
        await visit.ended.wait()
        await stage.arrivals.wait(timeout=RECORDING_SECONDS)
        assert not stage.arrivals.wrong
        assert {item.kind for item in stage.arrivals.items} == set(Kind)
        # The set-up, the start, and again when the token had run out.
        assert 3 <= auth.logins <= 6
        await stage.home_assistant.stop()
        assert not stage.home_assistant.complaints()
        assert "viewer-password" not in stage.home_assistant.log_text()
