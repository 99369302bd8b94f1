"""The demo's story and dashboard."""

from .demo.story import story_of
from .demo.window import dashboard


def test_a_long_story_begins_calmly() -> None:
    """All faults come behind its first minute; a short one has the server die at once."""
    calm = [step.title for step in story_of(None)]
    assert story_of(120) == story_of(None)
    first_fault = next(n for n, title in enumerate(calm) if "last for a while" in title)
    assert sum(step.pause for step in story_of(None)[:first_fault]) >= 50
    assert "last for a while" in story_of(60)[1].title
    assert {step.title for step in story_of(60)} == set(calm)


def test_the_dashboard_shows_every_device() -> None:
    """By the entities that there are."""
    keys = [
        *(("Frigate", *key) for key in (("sensor", "protection"), ("button", "drill"))),
        ("Frigate", "event", "upload"),
        ("door", "image", "last_snapshot"),
        ("NAS", "binary_sensor", "connection"),
        *(
            ("NAS", "sensor", key)
            for key in (
                *("snapshots_uploaded", "recordings_uploaded"),
                *("pending_uploads", "last_error"),
            )
        ),
    ]
    states = {
        (device, platform, key): {
            "entity_id": f"{platform}.{device}_{key}".lower(),
            "attributes": {"friendly_name": f"{device} {key}"},
        }
        for device, platform, key in keys
    }
    made = dashboard(states, frigate="Frigate", cameras=["door"], destinations=["NAS"])
    text = str(made)
    for state in states.values():
        assert f"'{state['entity_id']}'" in text
    assert "{'entity': 'sensor.nas_last_error', 'name': 'last_error'}" in text
