"""The user's files where the commands of a campaign find them: in the folder of the results, under names of their own."""

import os
from pathlib import Path

import numpy as np

from classes_h5.campaign import basis
from classes_h5.campaign.errors import CampaignError

RESULTS = "*/*/seed-*/*.predictions.tsv"
PROVENANCE = Path(".snakemake", "metadata")


def place(campaign):
    """Links them into the current folder; an array in an .npz becomes a file."""
    if any(Path().glob(RESULTS)) and not (PROVENANCE.is_dir() and any(PROVENANCE.iterdir())):
        raise CampaignError(f"there are results here, but no {PROVENANCE} that tells what they rest on", "give another folder")
    for name, given in campaign.given().items():
        place, part = Path(name), Path(f".{name}.{os.getpid()}")
        if given.is_at(name):
            continue
        try:
            if not given.array:
                part.symlink_to(os.path.relpath(given.file))
            elif not place.is_file() or basis.sha256(place) != basis.given(campaign, name):
                with np.load(given.file) as arrays, part.open("wb") as file:
                    np.save(file, arrays[given.array])
            if part.is_symlink() or part.exists():
                part.replace(place)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise CampaignError(f"{name}: {error.strerror}") from error
