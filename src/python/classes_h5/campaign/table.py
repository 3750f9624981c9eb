"""One table of the predictions of all shards."""

import shutil

from classes_h5.campaign.errors import CampaignError


def merge(shards, out):
    """Writes the lines of all files below one heading: the bytes of one run."""
    heading = None
    with open(out, "wb") as table:
        for shard in shards:
            with open(shard, "rb") as lines:
                found = lines.readline()
                if heading is None:
                    heading = found
                    table.write(heading)
                if found != heading:
                    raise CampaignError(f"{shard}: has other columns than {shards[0]}")
                shutil.copyfileobj(lines, table)
