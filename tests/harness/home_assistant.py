"""A real Home Assistant process, prepared so that it starts in a few seconds.

Its onboarding is done, its owner has a known password and a long-lived access
token, and it loads only what a page and our integration need.
"""

import base64
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import re
import secrets
import shutil
import sys
import time
from typing import Any, Self

import bcrypt
import jwt

from . import jumping_clock
from .home_assistant_api import HomeAssistantApi
from .jumping_clock import JumpingClock
from .processes import Program, free_port

DOMAIN = "frigate_snap_sync"
INTEGRATION = Path(__file__).parents[2] / "custom_components" / DOMAIN

USERNAME, PASSWORD = "demo", "demo"
_TOKEN_LIFE = timedelta(days=3650)
_TOKEN_AGE = timedelta(days=30)
_START_SECONDS = 90
# Home Assistant allows its own stages about 210 s; a healthy one takes two.
_STOP_SECONDS = 60

_CONFIGURATION = """\
homeassistant:
  name: Home
  time_zone: {time_zone}
  country: DE
  currency: EUR
  unit_system: metric
  latitude: 52.5
  longitude: 13.4
  elevation: 34
  media_dirs:
    local: {media}
  allowlist_external_dirs:
{allowed}
frontend:
config:
media_source:
logger:
  default: info
  logs:
    custom_components.frigate_snap_sync: debug
"""

_STAND_INS = {
    "pymicro_vad": "class MicroVad: ...\n",
    "pyspeex_noise": "class AudioProcessor: ...\n",
}
"""Modules that Home Assistant's voice parts import, and that have no wheels.

Without them it can't list its actions, and the frontend never loads. They lie in
the folder where it runs.
"""


class HomeAssistant:
    """Runs in a config folder of its own; `api` talks with it while it runs.

    `folder` becomes the config folder. `allowed` are folders that it may write
    to beside its media folder. `integration` is copied in at `prepare` (None:
    a Home Assistant without it); `data` is a folder that holds its ledgers and
    spools, on a disk of their own, say. `clock` is what sets its wall clock.
    `configuration` is YAML that is added to its own.
    """

    def __init__(
        self,
        folder: Path,
        *,
        allowed: tuple[Path, ...] = (),
        time_zone: str = "Europe/Berlin",
        integration: Path | None = INTEGRATION,
        port: int | None = None,
        data: Path | None = None,
        clock: JumpingClock | None = None,
        configuration: str = "",
    ) -> None:
        """Prepare the folder; nothing runs yet."""
        self.folder = folder
        self.media = folder / "media"
        self.port = port or free_port()
        # Holds all starts, while its own log file holds the last two.
        self.log = folder / "console.log"
        self._token = ""
        self._integration = integration
        run = ["-m"] if clock is None else [jumping_clock.__file__, clock.file]
        self._program = Program(
            # Nothing is installed at its start: what is missing stays away.
            [
                *(sys.executable, *run, "homeassistant", "-c", folder),
                *("--skip-pip", "--log-no-color"),
            ],
            log=self.log,
            # Not here: the folder custom_components of a checkout would win.
            folder=folder,
        )
        self._api: HomeAssistantApi | None = None
        self._prepare(allowed, time_zone, configuration)
        if data is not None:
            self._keep_data_in(data)

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The id of its process, None while it does not run."""
        return self._program.pid

    @property
    def api(self) -> HomeAssistantApi:
        """What it can be asked, and told; raises RuntimeError if it doesn't run."""
        if self._api is None:
            raise RuntimeError("Home Assistant does not run")
        return self._api

    def _prepare(
        self, allowed: tuple[Path, ...], time_zone: str, configuration: str
    ) -> None:
        self.media.mkdir(parents=True)
        (self.folder / "configuration.yaml").write_text(
            _CONFIGURATION.format(
                time_zone=time_zone,
                media=json.dumps(str(self.media)),
                allowed="\n".join(
                    f"    - {json.dumps(str(path))}" for path in (self.media, *allowed)
                ),
            )
            + configuration
        )
        if self._integration is not None:
            shutil.copytree(
                self._integration,
                self.folder / "custom_components" / DOMAIN,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        for name, text in _STAND_INS.items():
            (self.folder / f"{name}.py").write_text(text)
        (self.folder / ".storage").mkdir(mode=0o700)
        self._store("onboarding", 4, _onboarding())
        self._store("http", 2, _http(self.port), minor_version=2)
        self._store("auth_provider.homeassistant", 1, _passwords())
        auth, self._token = _auth()
        self._store("auth", 1, auth)

    def _keep_data_in(self, data: Path) -> None:
        for name in (".storage", ".cache"):
            (data / name).mkdir(parents=True, exist_ok=True)
            (self.folder / name).mkdir(exist_ok=True)
            (self.folder / name / DOMAIN).symlink_to(data / name)

    def _store(
        self, key: str, version: int, data: dict[str, Any], *, minor_version: int = 1
    ) -> None:
        document = {
            "version": version,
            "minor_version": minor_version,
            "key": key,
            "data": data,
        }
        path = self.folder / ".storage" / key
        path.write_text(json.dumps(document))
        path.chmod(0o600)

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        await self.stop()

    async def start(self) -> None:
        """Start it and wait until it says that it runs.

        Raises `ProgramFailed` or TimeoutError if it does not come up.
        """
        api = self._api = HomeAssistantApi(self.url, self._token)
        try:
            await self._program.start(api.is_running, timeout=_START_SECONDS)
        except BaseException:
            await self._forget_api()
            raise

    async def stop(self) -> None:
        """Stop it in an orderly way; raises TimeoutError if it takes too long."""
        await self._forget_api()
        await self._program.stop(timeout=_STOP_SECONDS)

    async def kill(self) -> None:
        """Let it die at once, as by a power cut."""
        await self._forget_api()
        await self._program.kill()

    async def _forget_api(self) -> None:
        api, self._api = self._api, None
        if api is not None:
            await api.close()

    def log_text(self) -> str:
        """Return what it has said since its first start."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def complaints(self) -> list[str]:
        """Return what its log holds against our integration.

        Records with a traceback through it, its errors, and calls of it that
        blocked the event loop.
        """
        records = re.split(r"(?m)^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", self.log_text())
        return [
            record
            for record in records
            if DOMAIN in record
            and (
                "Traceback (most recent call last)" in record
                or "Detected blocking call" in record
                or re.match(rf"\S+ \S+ (ERROR|CRITICAL) .*{DOMAIN}", record)
            )
        ]


def _http(port: int) -> dict[str, Any]:
    """Return the HTTP server's settings, as confirmed by the owner.

    Home Assistant 2026.10+: from YAML they are only tried, for five minutes.
    """
    return {
        "stable": {
            "server_host": ["127.0.0.1"],
            "server_port": port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": "2026-01-01T00:00:00+00:00",
            "error": None,
            "error_message": None,
        },
        "pending": None,
        "yaml_migration_done": True,
    }


def _onboarding() -> dict[str, Any]:
    return {"done": ["user", "core_config", "analytics", "integration"]}


def _passwords() -> dict[str, Any]:
    # Few rounds: this password guards nothing, and checking it should be quick.
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4))
    return {
        "users": [{"username": USERNAME, "password": base64.b64encode(hashed).decode()}]
    }


def _auth() -> tuple[dict[str, Any], str]:
    """Return the content of the store `auth`, and an access token for it."""
    user, credential, token = (secrets.token_hex(16) for _ in range(3))
    jwt_key = secrets.token_hex(64)
    # Its clock may be set back, and a token of the future is refused.
    now = int(time.time() - _TOKEN_AGE.total_seconds())
    life = int(_TOKEN_LIFE.total_seconds())
    access_token = jwt.encode(
        {"iss": token, "iat": now, "exp": now + life}, jwt_key, algorithm="HS256"
    )
    content = {
        "users": [
            {
                "id": user,
                "group_ids": ["system-admin"],
                "is_owner": True,
                "is_active": True,
                "name": USERNAME.title(),
                "system_generated": False,
                "local_only": False,
            }
        ],
        "groups": [
            {"id": "system-admin", "name": "Administrators"},
            {"id": "system-users", "name": "Users"},
            {"id": "system-read-only", "name": "Read Only"},
        ],
        "credentials": [
            {
                "id": credential,
                "user_id": user,
                "auth_provider_type": "homeassistant",
                "auth_provider_id": None,
                "data": {"username": USERNAME},
            }
        ],
        "refresh_tokens": [
            {
                "id": token,
                "user_id": user,
                "client_id": None,
                "client_name": "Harness",
                "client_icon": None,
                "token_type": "long_lived_access_token",
                "created_at": datetime.now(UTC).isoformat(),
                "access_token_expiration": life,
                "token": secrets.token_hex(64),
                "jwt_key": jwt_key,
                "last_used_at": None,
                "last_used_ip": None,
                "expire_at": None,
                "credential_id": None,
                "version": None,
            }
        ],
    }
    return content, access_token
