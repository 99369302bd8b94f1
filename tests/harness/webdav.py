"""Real WebDAV servers on 127.0.0.1: Apache, nginx, rclone, wsgidav and sabre."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Sequence
import contextlib
import getpass
import hashlib
import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import ClassVar, Final, override

from .processes import free_port, listens
from .programs import require_program

HOST: Final = "127.0.0.1"
USERNAME: Final = "camera"
PASSWORD: Final = 'pass:wörd "1'

START_TIMEOUT: Final = 60.0
STOP_TIMEOUT: Final = 10.0


class DavServer(ABC):
    """A server with one folder, for as many tests as like to use it.

    It is bound to no event loop. Its files lie in `root`, which a web server's own
    user may use where that is another than ours.
    """

    name: ClassVar[str]
    own_user: ClassVar[str | None] = None
    """The user that its files must belong to, if we are root."""
    hidden: ClassVar[Sequence[str]] = ()
    """Patterns of names that the server makes for itself."""

    def __init__(self, folder: Path | None = None) -> None:
        """Start nothing yet; without a `folder` it gets a temporary one of its own."""
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix=f"webdav-{self.name}-"))
        else:
            folder.mkdir()
        self.folder = folder
        self.folder.chmod(0o755)
        self.root = self.folder / "root"
        self.root.mkdir()
        self.port = free_port()
        self.read_only = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the root."""
        return f"http://{HOST}:{self.port}"

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """Write the settings; return the command to start."""

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return (self.folder / "output.log").read_text(errors="replace")

    def own(self, path: Path) -> None:
        """Give what we made to the server's user."""
        if self.own_user is not None and os.geteuid() == 0:
            shutil.chown(path, self.own_user, self.own_user)

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start and wait until it answers."""
        process = self._launch()
        deadline = time.monotonic() + START_TIMEOUT
        while not await listens(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{self.name} does not start: {self.log[-3000:]}")
            await asyncio.sleep(0.02)

    def _launch(self) -> subprocess.Popen[bytes]:
        self.own(self.root)
        with (self.folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                env={**os.environ, **self.environment()},
            )
        return self._process

    def environment(self) -> dict[str, str]:
        """Return more variables for it."""
        return {}

    def stop(self) -> None:
        """End it and its children."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_TIMEOUT)

    def remove(self) -> None:
        """End it and remove all its files."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


_APACHE: Final = """\
ServerName test
ServerRoot {folder}
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
Listen {host}:{port}
ErrorLog {folder}/error.log
{modules}
{user}
DocumentRoot {root}
DavLockDB {folder}/locks/db
<Directory {root}>
  Dav On
  AuthType {kind}
  AuthName "test realm"
  {provider}
  AuthUserFile {folder}/users
  {allowed}
</Directory>
"""

_APACHE_READING: Final = """\
<Limit GET PROPFIND OPTIONS>
Require valid-user
</Limit>
<LimitExcept GET PROPFIND OPTIONS>
Require all denied
</LimitExcept>"""

_APACHE_MODULES: Final = (
    *("mpm_event", "authn_core", "authn_file", "authz_core", "authz_user"),
    *("auth_basic", "auth_digest", "dav", "dav_fs"),
)


class Apache(DavServer):
    """Apache's mod_dav_fs with Basic."""

    name = "apache"
    kind = "Basic"
    own_user = "www-data"
    hidden = (".DAV", ".davfs.tmp*")
    nonce_lifetime: ClassVar[int] = 300

    @override
    def command(self) -> Sequence[str | Path]:
        program = require_program("apache2", "apache2-bin")
        locks = self.folder / "locks"
        locks.mkdir(exist_ok=True)
        self.own(locks)
        self._write_users()
        modules = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            for name in _APACHE_MODULES
        )
        lifetime = f"AuthDigestNonceLifetime {self.nonce_lifetime}"
        is_root = os.geteuid() == 0
        config = self.folder / "apache.conf"
        config.write_text(
            _APACHE.format(
                folder=self.folder,
                root=self.root,
                host=HOST,
                port=self.port,
                modules=modules,
                user="User www-data\nGroup www-data" if is_root else "",
                kind=self.kind,
                provider=lifetime
                if self.kind == "Digest"
                else "AuthBasicProvider file",
                allowed=_APACHE_READING if self.read_only else "Require valid-user",
            )
        )
        return [program, "-f", config, "-D", "FOREGROUND"]

    def _write_users(self) -> None:
        program = require_program("htpasswd", "apache2-utils")
        subprocess.run(
            [program, "-cb5", self.folder / "users", USERNAME, PASSWORD],
            check=True,
            capture_output=True,
            timeout=30,
        )


class ApacheDigest(Apache):
    """Apache's mod_dav_fs with Digest."""

    name = "apache-digest"
    kind = "Digest"

    @override
    def _write_users(self) -> None:
        realm = "test realm"
        secret = hashlib.md5(f"{USERNAME}:{realm}:{PASSWORD}".encode()).hexdigest()
        (self.folder / "users").write_text(f"{USERNAME}:{realm}:{secret}\n")


_NGINX: Final = """\
{user}
load_module {module};
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {root}/.nginx-body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  dav_ext_lock_zone zone=locks:1m;
  server {{
    listen {host}:{port};
    root {root};
    auth_basic "test";
    auth_basic_user_file {folder}/users;
    location / {{
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
      dav_ext_lock zone=locks;
      create_full_put_path off;
      {limit}
    }}
    location /small/ {{
      client_max_body_size 1m;
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS;
    }}
  }}
}}
"""


class Nginx(DavServer):
    """nginx with its modules for WebDAV."""

    name = "nginx"
    # It copies from its own folder to another disk under such a name.
    hidden = ("*.tmp.[0-9]*",)

    @override
    def command(self) -> Sequence[str | Path]:
        program = require_program("nginx", "nginx-light")
        folders = ("/usr/lib/nginx", "/usr/lib64/nginx")
        found = [
            module
            for folder in folders
            if (
                module := Path(folder) / "modules" / "ngx_http_dav_ext_module.so"
            ).exists()
        ]
        if not found:
            require_program("nginx-dav-ext", "libnginx-mod-http-dav-ext")
        hashed = subprocess.run(
            [require_program("openssl", "openssl"), "passwd", "-apr1", PASSWORD],
            check=True,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.strip()
        (self.folder / "users").write_text(f"{USERNAME}:{hashed}\n")
        config = self.folder / "nginx.conf"
        config.write_text(
            _NGINX.format(
                folder=self.folder,
                root=self.root,
                host=HOST,
                port=self.port,
                module=found[0],
                user=f"user {getpass.getuser()};" if os.geteuid() == 0 else "",
                limit="limit_except GET PROPFIND OPTIONS { deny all; }"
                if self.read_only
                else "",
            )
        )
        return [program, "-c", config, "-p", self.folder]


def tool(name: str) -> str:
    """Return the path of a program of the environment that the tests run in."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else require_program(name, name)


class Rclone(DavServer):
    """rclone, as it stands before a cloud."""

    name = "rclone"

    @override
    def command(self) -> Sequence[str | Path]:
        return [
            *(tool("rclone"), "serve", "webdav", self.root),
            *("--addr", f"{HOST}:{self.port}", "--config", os.devnull),
            *("--user", USERNAME, "--pass", PASSWORD),
            *("--vfs-cache-mode", "off", "--dir-cache-time", "1ms"),
            *(["--read-only"] if self.read_only else []),
        ]


class Wsgidav(DavServer):
    """wsgidav, with Digest."""

    name = "wsgidav"

    @override
    def command(self) -> Sequence[str | Path]:
        settings = {
            "host": HOST,
            "port": self.port,
            "server": "cheroot",
            "provider_mapping": {
                "/": {"root": str(self.root), "readonly": self.read_only}
            },
            "simple_dc": {"user_mapping": {"*": {USERNAME: {"password": PASSWORD}}}},
            "http_authenticator": {
                "domain_controller": None,
                "accept_basic": True,
                "accept_digest": True,
                "default_to_digest": True,
            },
            "property_manager": True,
            "lock_storage": True,
            "logging": {"enable": False},
            "verbose": 1,
            "dir_browser": {"enable": False},
            "hotfixes": {"re_encode_path_info": True},
        }
        config = self.folder / "wsgidav.json"
        config.write_text(json.dumps(settings))
        return [tool("wsgidav"), "--config", config]


_SABRE: Final = """\
<?php
error_reporting(0);
require '/usr/share/php/Sabre/autoload.php';
$auth = $_SERVER['PHP_AUTH_USER'] ?? '';
if ($auth !== {user} || ($_SERVER['PHP_AUTH_PW'] ?? '') !== {password}) {{
  header('WWW-Authenticate: Basic realm="test"');
  http_response_code(401);
  exit;
}}
$reading = in_array($_SERVER['REQUEST_METHOD'], ['GET', 'PROPFIND', 'OPTIONS']);
if ({read_only} && !$reading) {{
  http_response_code(403);
  exit;
}}
$server = new Sabre\\DAV\\Server(new Sabre\\DAV\\FS\\Directory({root}));
$server->setBaseUri('/');
method_exists($server, 'start') ? $server->start() : $server->exec();
"""


class Sabre(DavServer):
    """sabre, which Nextcloud and ownCloud are built on."""

    name = "sabre"

    @override
    def command(self) -> Sequence[str | Path]:
        script = self.folder / "server.php"
        script.write_text(
            _SABRE.format(
                user=json.dumps(USERNAME),
                password=f"'{PASSWORD}'",
                root=json.dumps(str(self.root)),
                read_only="true" if self.read_only else "false",
            )
        )
        program = require_program("php", "php-cli")
        # What one of its workers remembers of paths may hide what another has made.
        forget = ("-d", "realpath_cache_size=0")
        return [program, *forget, "-S", f"{HOST}:{self.port}", script]

    @override
    def environment(self) -> dict[str, str]:
        return {"PHP_CLI_SERVER_WORKERS": "12"}


_SHARED: dict[type[DavServer], DavServer] = {}


async def shared(kind: type[DavServer]) -> DavServer:
    """Return the one server of a kind that all tests of this process use."""
    if kind not in _SHARED:
        server = kind()
        try:
            await server.start()
        except BaseException:
            server.remove()
            raise
        _SHARED[kind] = server
    return _SHARED[kind]


def stop_shared() -> None:
    """End all of them."""
    while _SHARED:
        _SHARED.popitem()[1].remove()
