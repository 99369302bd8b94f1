"""The probe that times live snapshots from the message to the verified file."""

from pathlib import Path
from typing import Final

from .child import Job
from .probe import probe_main
from .rig import destination_setup, new_image, open_rig, sftp_destination

IMAGE_SIZE: Final = 100_000


async def _time(job: Job) -> Job:
    folder = Path(job["folder"])
    cold, warm = [], []
    async with open_rig(
        url=job["url"], ledger=folder / "ledger.db", spool=folder / "spool"
    ) as rig:
        destination = sftp_destination(job["destination"])
        await rig.start([destination_setup("server", destination)])
        await rig.connected()
        await rig.live_snapshot(new_image(IMAGE_SIZE))
        for _ in range(job["count"]):
            await destination.close()
            cold.append(await rig.live_snapshot(new_image(IMAGE_SIZE)))
            warm.append(await rig.live_snapshot(new_image(IMAGE_SIZE)))
    return {"cold": cold, "warm": warm}


if __name__ == "__main__":
    probe_main(_time)
