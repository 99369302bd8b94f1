"""What the page for many homes recommends holds at a real gateway, word by word."""

from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
import hashlib
import json
import re
from secrets import token_hex
from typing import Any, Final
import urllib.error
import urllib.request

from botocore.exceptions import ClientError
import pytest

from custom_components.frigate_snap_sync.storage.s3.upload import MAX_PUT
from custom_components.frigate_snap_sync.sync.model.timing import Timing

from ..harness.s3_homes import OWNER, PAGE, Home, SharedBucket, client, json_blocks
from ..harness.s3_servers import ACCESS_KEY, SECRET_KEY, CephGateway
from ..source import ROOT

CONTENT: Final = b"what a camera saw"

type Attempt = Callable[[], Any]


@pytest.fixture
def shared(ceph: CephGateway) -> SharedBucket:
    """Return a bucket as the page has it."""
    return SharedBucket(ceph, f"fleet-{token_hex(4)}")


def key_of(home: Home, gateway: CephGateway) -> Any:
    """Return Amazon's client with the home's key, as a thief has it."""
    return client(gateway.url, home.access_key_id, home.secret_access_key)


def is_refused(attempt: Attempt) -> bool:
    """Tell whether a request is refused; raises what is no refusal."""
    try:
        answer = attempt()
    except ClientError as err:
        if err.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        return True
    # A request to delete several files answers for each.
    return bool(isinstance(answer, dict) and answer.get("Errors"))


def reads(thief: Any, bucket: str, key: str) -> dict[str, Attempt]:
    """Return the ways to read an object, to change or delete it, without a new one."""
    where = {"Bucket": bucket, "Key": key}
    return {
        "get": lambda: thief.get_object(**where),
        "head": lambda: thief.head_object(**where),
        "read its access": lambda: thief.get_object_acl(**where),
        "change its access": lambda: thief.put_object_acl(**where, ACL="public-read"),
        "read its tags": lambda: thief.get_object_tagging(**where),
        "change its tags": lambda: thief.put_object_tagging(
            **where, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
        ),
        "read its lock": lambda: thief.get_object_retention(**where),
        "change its lock": lambda: thief.put_object_retention(
            **where,
            Retention={
                "Mode": "COMPLIANCE",
                "RetainUntilDate": datetime.now(UTC) + timedelta(days=3650),
            },
        ),
        "hold it": lambda: thief.put_object_legal_hold(
            **where, LegalHold={"Status": "ON"}
        ),
        "delete": lambda: thief.delete_object(**where),
        "delete several": lambda: thief.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": key}]}
        ),
    }


def on_the_bucket(thief: Any, bucket: str) -> dict[str, Attempt]:
    """Return the ways to learn about the bucket, or to change it."""
    where = {"Bucket": bucket}
    everyone = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    rule = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}}
    lock = {"Mode": "GOVERNANCE", "Days": 1}
    return {
        "list": lambda: thief.list_objects_v2(**where),
        "list versions": lambda: thief.list_object_versions(**where),
        "list uploads": lambda: thief.list_multipart_uploads(**where),
        "read the policy": lambda: thief.get_bucket_policy(**where),
        "change the policy": lambda: thief.put_bucket_policy(
            **where, Policy=json.dumps({"Version": "2012-10-17", "Statement": everyone})
        ),
        "delete the policy": lambda: thief.delete_bucket_policy(**where),
        "change the rules": lambda: thief.put_bucket_lifecycle_configuration(
            **where,
            LifecycleConfiguration={"Rules": [rule | {"Expiration": {"Days": 1}}]},
        ),
        "suspend versioning": lambda: thief.put_bucket_versioning(
            **where, VersioningConfiguration={"Status": "Suspended"}
        ),
        "change the lock": lambda: thief.put_object_lock_configuration(
            **where,
            ObjectLockConfiguration={
                "ObjectLockEnabled": "Enabled",
                "Rule": {"DefaultRetention": lock},
            },
        ),
        "open the bucket": lambda: thief.put_bucket_acl(**where, ACL="public-read"),
        "delete the bucket": lambda: thief.delete_bucket(**where),
        "make a bucket": lambda: thief.create_bucket(Bucket=f"{bucket}-mine"),
    }


def on_the_users(thief: Any, home: Home) -> dict[str, Attempt]:
    """Return the ways to get more rights, or to learn which there are."""
    where = {"UserName": home.name, "PolicyName": "cameras"}
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    return {
        "change its policy": lambda: thief.put_user_policy(
            **where, PolicyDocument=document
        ),
        "read its policy": lambda: thief.get_user_policy(**where),
        "delete its policy": lambda: thief.delete_user_policy(**where),
        "make a role": lambda: thief.create_role(
            RoleName="x", AssumeRolePolicyDocument=document
        ),
    }


def allowed(attempts: dict[str, Attempt]) -> set[str]:
    """Return what is not refused."""
    return {name for name, attempt in attempts.items() if not is_refused(attempt)}


def put(boto: Any, bucket: str, key: str) -> Attempt:
    """Return an upload."""
    return lambda: boto.put_object(Bucket=bucket, Key=key, Body=CONTENT)


def test_each_block_has_a_purpose() -> None:
    """No JSON of the page is left out of these tests."""
    blocks = json_blocks(PAGE.read_text())
    assert len(blocks) == PAGE.read_text().count("```json\n") == 4


def amount(text: str) -> float:
    """Return the number in a cell."""
    return float(re.sub(r"[^\d.]", "", text))


def test_the_table_on_paper() -> None:
    """Its figures follow from the assumptions above it, by the formulas below."""
    page = " ".join(PAGE.read_text().split("## On paper")[1].split())
    stored_price, request_price = re.findall(r"\$(0\.0\d+) for", page)
    cameras, reviews, seconds, rate = re.findall(
        r"(\d+) cameras with (\d+) reviews a day each, (\d+) s at (\d+) Mbit/s", page
    )[0]
    live, live_kb, snapshots, snapshot_kb = re.findall(
        r"(\d+) live snapshots of (\d+) kB and (\d+) snapshot of (\d+) kB", page
    )[0]
    clip = int(seconds) * int(rate) / 8
    images = (int(live) * int(live_kb) + int(snapshots) * int(snapshot_kb)) / 1000
    rows = re.findall(r"\| ([\d,]+) \| (yes|no) \| ([^|]+(?: \| [^|]+){5}) \|", page)
    assert len(rows) == 4
    looks = 30 * 86400 / Timing().probe
    assert f"{looks:,.0f} a month" in page
    for homes, with_parts, cells in rows:
        shown = [amount(cell) for cell in cells.split(" | ")]
        parts = 2 if with_parts == "yes" else 0
        per_month = int(homes.replace(",", "")) * int(cameras) * int(reviews) * 30
        files = per_month * (int(live) + int(snapshots) + 1 + parts)
        requests = files + amount(homes) * looks
        # Both parts together show what the recording shows.
        sent = per_month * (images + clip * (2 if parts else 1)) / 1e6
        stored = sent * 37 / 30
        cost = stored * 1000 * float(stored_price) + requests / 1000 * float(
            request_price
        )
        expected = [files / 1e6, requests / 1e6, sent, stored, cost]
        digits = (2, 2, 1, 1, 0)
        assert shown[:-1] == [
            round(x, n) for x, n in zip(expected, digits, strict=True)
        ]
        assert shown[-1] == round(cost / amount(homes), 2)
    assert MAX_PUT == 5 << 30


def test_the_days_on_the_page(shared: SharedBucket) -> None:
    """A file takes space until the rules have hidden and then deleted it."""
    rules = shared.json("lifecycle")["Rules"]
    (expire,) = (rule for rule in rules if rule["ID"] == "expire")
    hidden = expire["Expiration"]["Days"]
    days = hidden + expire["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert days == 37
    assert hidden == shared.json("lock")["Rule"]["DefaultRetention"]["Days"] == 30


def test_a_home_can_write_below_its_prefix_and_do_nothing_else(
    shared: SharedBucket, ceph: CephGateway
) -> None:
    """Also to its own files, and not below a prefix that only begins like its own."""
    home, other = shared.add(f"home-{token_hex(3)}"), f"home-{token_hex(3)}"
    thief, name = key_of(home, ceph), shared.name
    own, foreign = f"{home.name}/day/a.jpg", f"{other}/day/a.jpg"
    put(shared.owner, name, foreign)()
    assert allowed({"own": put(thief, name, own)}) == {"own"}
    for key in (foreign, "a.jpg", f"{home.name}0/a.jpg", f"{home.name}"):
        assert is_refused(put(thief, name, key)), key
    for key in (own, foreign):
        assert not allowed(reads(thief, name, key)), key
        copy = partial(
            thief.copy_object,
            Bucket=name,
            Key=f"{home.name}/copy.jpg",
            CopySource={"Bucket": name, "Key": key},
        )
        assert is_refused(copy), key
    assert not allowed(on_the_bucket(thief, name))
    users = client(ceph.url, home.access_key_id, home.secret_access_key, kind="iam")
    assert not allowed(on_the_users(users, home))
    assert {stored.key for stored in shared.objects()} == {own, foreign}
    # The owner reads what the home has written.
    found = shared.owner.get_object(Bucket=name, Key=own)["Body"].read()
    assert found == CONTENT


def test_without_the_second_statement_a_home_reads_what_it_wrote(
    shared: SharedBucket, ceph: CephGateway
) -> None:
    """At Ceph a file belongs to its writer, so the page denies that by name."""
    home = shared.add(f"home-{token_hex(3)}")
    thief, key = key_of(home, ceph), f"{home.name}/a.jpg"
    policy = shared.json("home's policy", home=home.name)
    users = client(ceph.url, ACCESS_KEY, SECRET_KEY, kind="iam")
    users.put_user_policy(
        UserName=home.name,
        PolicyName="cameras",
        PolicyDocument=json.dumps(policy | {"Statement": policy["Statement"][:1]}),
    )
    put(thief, shared.name, key)()
    assert "get" in allowed(reads(thief, shared.name, key))


def test_what_is_overwritten_stays(shared: SharedBucket, ceph: CephGateway) -> None:
    """The owner copies the older version back, and can't delete it before its time."""
    home = shared.add(f"home-{token_hex(3)}")
    thief, name, key = key_of(home, ceph), shared.name, f"{home.name}/a.jpg"
    first = put(thief, name, key)()["VersionId"]
    thief.put_object(Bucket=name, Key=key, Body=b"nothing")
    owner = shared.owner
    version = {"Bucket": name, "Key": key, "VersionId": first}
    assert owner.get_object(**version)["Body"].read() == CONTENT
    assert is_refused(lambda: thief.get_object(**version))
    assert is_refused(lambda: thief.delete_object(**version))
    with pytest.raises(ClientError, match="AccessDenied"):
        owner.delete_object(**version)
    owner.copy_object(Bucket=name, Key=key, CopySource=version)
    assert owner.get_object(Bucket=name, Key=key)["Body"].read() == CONTENT


def test_an_upload_may_be_made_public_but_no_older_one(
    shared: SharedBucket, ceph: CephGateway
) -> None:
    """A thief publishes what he has himself."""
    home = shared.add(f"home-{token_hex(3)}")
    thief, name = key_of(home, ceph), shared.name
    put(thief, name, f"{home.name}/old.jpg")()
    thief.put_object(
        Bucket=name, Key=f"{home.name}/new.jpg", Body=b"x", ACL="public-read"
    )
    url = f"{ceph.url}/{name}/{home.name}"
    with urllib.request.urlopen(f"{url}/new.jpg") as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{url}/old.jpg")


def test_an_upload_may_be_locked_for_long(
    shared: SharedBucket, ceph: CephGateway
) -> None:
    """Longer than the bucket says: at Ceph the right to write is enough for that."""
    home = shared.add(f"home-{token_hex(3)}")
    thief, name = key_of(home, ceph), shared.name
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3650)
    key = f"{home.name}/a.jpg"
    thief.put_object(
        Bucket=name,
        Key=key,
        Body=b"x",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=until,
        ContentMD5=b64encode(hashlib.md5(b"x").digest()).decode(),
    )
    kept = shared.owner.get_object_retention(Bucket=name, Key=key)["Retention"]
    assert kept["RetainUntilDate"] == until


def test_the_rules_are_kept_as_they_are(shared: SharedBucket) -> None:
    """The gateway understands each of them."""
    owner, name = shared.owner, shared.name
    kept = owner.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    # It shows a filter for all objects in the older form.
    by_id = {rule["ID"]: rule for rule in kept}
    for rule in shared.json("lifecycle")["Rules"]:
        everything = rule.pop("Filter")
        assert by_id[rule["ID"]] == rule | everything
    lock = owner.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert lock == shared.json("lock")


def test_a_sub_user_can_do_too_much(shared: SharedBucket, ceph: CephGateway) -> None:
    """As the page says: it can write everywhere, and suspend versioning."""
    user, key = f"{OWNER}:{shared.name}", f"SUB{shared.name}"
    ceph.admin(
        *("subuser", "create", f"--uid={OWNER}", f"--subuser={user}"),
        *("--access=write", "--key-type=s3"),
        *(f"--access-key={key}", f"--secret-key={key}"),
    )
    name = f"{shared.name}-versioned"
    shared.owner.create_bucket(Bucket=name)
    thief = client(ceph.url, key, key)
    put(thief, shared.name, "home-1/a.jpg")()
    attempts = on_the_bucket(thief, name)
    assert not is_refused(attempts["suspend versioning"])


def s3_page_policy(bucket: str, user: str) -> str:
    """Return the bucket policy for one Ceph user that the page on buckets shows."""
    page = (ROOT / "docs/s3.md").read_text()
    blocks: list[str] = re.findall(r"(?ms)^```json\n(.*?)^```$", page)
    (block,) = (block for block in blocks if "Principal" in block)
    block = block.replace("my-bucket", bucket).replace("user/cameras", f"user/{user}")
    return block.replace("user/owner", f"user/{OWNER}")


def test_the_policy_for_one_key_at_ceph(
    shared: SharedBucket, ceph: CephGateway
) -> None:
    """That of the page on buckets does the same, for a whole bucket."""
    owner, name, user = shared.owner, f"{shared.name}-one", f"u-{token_hex(3)}"
    owner.create_bucket(Bucket=name)
    ceph.admin(
        *("user", "create", f"--uid={user}", "--display-name=u", "--max-buckets=-1"),
        *(f"--access-key={user}", f"--secret-key={user}"),
    )
    owner.put_bucket_policy(Bucket=name, Policy=s3_page_policy(name, user))
    thief = client(ceph.url, user, user)
    put(thief, name, "day/a.jpg")()
    assert not allowed(reads(thief, name, "day/a.jpg"))
    # The owner's own bucket has no lock to be changed.
    attempts = on_the_bucket(thief, name)
    assert not allowed(attempts)
    assert owner.get_object(Bucket=name, Key="day/a.jpg")["Body"].read() == CONTENT
