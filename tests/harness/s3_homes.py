"""Many homes that share one bucket, each with a key and a prefix of its own.

Bucket, policies and rules are the JSON that `docs/fleet.md` shows: what is measured and
tested is what is recommended there.
"""

from dataclasses import dataclass, field
from itertools import count
import json
from pathlib import Path
import re
from typing import Any, Final

import boto3
from botocore.config import Config

from .s3_servers import ACCESS_KEY, SECRET_KEY, CephGateway

OWNER: Final = "t"
"""The user of the gateway whom the bucket belongs to."""

PAGE: Final = Path(__file__).parents[2] / "docs" / "fleet.md"
_BUCKET: Final = "my-bucket"
_HOME: Final = "home-017"
_OWNER: Final = "owner"
"""What the page calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A home's name, which is its prefix and its user's name too, and its key."""

    name: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object as the owner's list shows it: the ETag of one request is an MD5."""

    key: str
    size: int
    etag: str


class SharedBucket:
    """A bucket set up as the page says; its owner may read what homes have written."""

    _numbers = count(1)

    def __init__(self, gateway: CephGateway, name: str, *, page: Path = PAGE) -> None:
        """Make it."""
        self.name = name
        self._gateway = gateway
        self._page = page.read_text()
        self.owner = client(gateway.url, ACCESS_KEY, SECRET_KEY)
        self._users = client(gateway.url, ACCESS_KEY, SECRET_KEY, kind="iam")
        gateway.admin("caps", "add", f"--uid={OWNER}", "--caps=user-policy=*")
        self.owner.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        self.owner.put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration=self.json("lock")
        )
        self.owner.put_bucket_lifecycle_configuration(
            Bucket=name, LifecycleConfiguration=self.json("lifecycle")
        )
        self.owner.put_bucket_policy(
            Bucket=name, Policy=json.dumps(self.json("bucket policy"))
        )

    def json(self, what: str, *, home: str = _HOME) -> dict[str, Any]:
        """Return a block of the page, for this bucket and a home."""
        block = json_blocks(self._page)[what]
        text = block.replace(_BUCKET, self.name).replace(_HOME, home)
        text = text.replace(f"user/{_OWNER}", f"user/{OWNER}")
        parsed: dict[str, Any] = json.loads(text)
        return parsed

    def add(self, name: str) -> Home:
        """Make a home's user, who may do what the page's policy says."""
        home = Home(
            name=name,
            access_key_id=f"AK{next(self._numbers):06}{self.name}",
            secret_access_key=f"secret-of-{name}",
        )
        self._gateway.admin(
            *("user", "create", f"--uid={name}", f"--display-name={name}"),
            # It needs no bucket of its own, which it could read.
            "--max-buckets=-1",
            f"--access-key={home.access_key_id}",
            f"--secret-key={home.secret_access_key}",
        )
        self._users.put_user_policy(
            UserName=name,
            PolicyName="cameras",
            PolicyDocument=json.dumps(self.json("home's policy", home=name)),
        )
        return home

    def objects(self, prefix: str = "") -> list[Stored]:
        """Return what the owner finds below a prefix."""
        pages = self.owner.get_paginator("list_objects_v2")
        return [
            Stored(key=found["Key"], size=found["Size"], etag=found["ETag"].strip('"'))
            for page in pages.paginate(Bucket=self.name, Prefix=prefix)
            for found in page.get("Contents", ())
        ]


def json_blocks(text: str) -> dict[str, str]:
    """Return the blocks of JSON in a page, by what they are for."""
    blocks = re.findall(r"(?ms)^```json\n(.*?)^```$", text)
    return {_purpose(json.loads(block)): block for block in blocks}


def _purpose(block: dict[str, Any]) -> str:
    if "Rules" in block:
        return "lifecycle"
    if "ObjectLockEnabled" in block:
        return "lock"
    has_principal = any("Principal" in each for each in block["Statement"])
    return "bucket policy" if has_principal else "home's policy"


def client(url: str, key: str, secret: str, *, kind: str = "s3") -> Any:
    """Return a client of Amazon's own library for the server at `url`."""
    return boto3.client(
        kind,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )
