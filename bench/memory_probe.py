"""The probe that sends one recording, and tells how its memory grew meanwhile."""

from pathlib import Path

from .child import Job
from .measure import MemoryPeak
from .probe import probe_main
from .rig import destination_setup, open_rig, review_message, sftp_destination

_SECONDS = 10.0


async def _send(job: Job) -> Job:
    folder = Path(job["folder"])
    whole = MemoryPeak()
    async with open_rig(
        url=job["url"], ledger=folder / "ledger.db", spool=folder / "spool"
    ) as rig:
        await rig.start(
            [
                destination_setup(f"server {number}", sftp_destination(settings))
                for number, settings in enumerate(job["destinations"], 1)
            ]
        )
        await rig.connected()
        before = whole.growth()
        rig.publish("reviews", review_message(seconds=_SECONDS))
        await rig.uploads(len(job["destinations"]))
        return {"growth": whole.growth(), "before": before}


if __name__ == "__main__":
    probe_main(_send)
