"""A simulated Frigate: what it shows, says and answers, as real ones do.

`Frigate` is the thing itself, without transport and without waiting;
`FrigateServer` its HTTP API, `MqttLink` its MQTT client, `Story` its visitors.
"""

from .auth import Auth, User, self_signed
from .core import Frigate, SettableClock
from .faults import Fault, Faults, Kind
from .journal import Journal, Served
from .link import MqttLink
from .model import ENDLESS, Camera, Review, TrackedObject
from .server import FrigateServer
from .story import Story, Visit
from .timing import Timing

__all__ = [
    "ENDLESS",
    "Auth",
    "Camera",
    "Fault",
    "Faults",
    "Frigate",
    "FrigateServer",
    "Journal",
    "Kind",
    "MqttLink",
    "Review",
    "Served",
    "SettableClock",
    "Story",
    "Timing",
    "TrackedObject",
    "User",
    "Visit",
    "self_signed",
]
