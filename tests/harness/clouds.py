"""A bucket and a WebDAV server, both of rclone, as the clouds of an owner."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from .s3_servers import RcloneS3
from .webdav import Rclone

BUCKET: Final = "Bucket"
CLOUD: Final = "Cloud"
"""What their owner calls them."""


@asynccontextmanager
async def open_clouds(folder: Path) -> AsyncIterator[tuple[RcloneS3, Rclone]]:
    """Start a server with an empty bucket, and a WebDAV server; end them."""
    async with AsyncExitStack() as stack:
        bucket = await stack.enter_async_context(
            RcloneS3(folder / "buckets", bucket="cams")
        )
        cloud = Rclone()
        stack.callback(cloud.remove)
        await cloud.start()
        yield bucket, cloud
