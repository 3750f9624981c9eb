"""What a campaign was run with: settings, checksums and versions, to repeat it."""

import json
import platform
from pathlib import Path

from classes_h5.campaign import basis
from classes_h5.campaign.definition import ranges_model
from classes_h5.campaign.errors import CampaignError

PACKAGES = ("tensorflow", "numpy", "pandas", "scipy", "statsmodels", "snakemake")


def record(campaign, given, files):
    """A dict of all that; given: the YAML's mapping, files: paths in the results' folder."""
    sums = {path: basis.sha256(path) for path in files}
    if campaign.settings["ranges"] == "golden" and ranges_model("ranges.json") != sums[campaign.model_file]:
        raise CampaignError(f"ranges.json: was measured on another model than {campaign.model_file} is now: run the campaign again")
    keras = {2: "tf_keras", 3: "keras"}[campaign.keras]
    versions = basis.versions() | {package: basis.version(package) for package in (keras, *PACKAGES)}
    versions["python"] = platform.python_version()
    return {
        "settings": given,
        "layers": {layer.name: layer.operator for layer in campaign.layers},
        "notes": campaign.notes,
        "keras": campaign.keras,
        "versions": {name: found for name, found in versions.items() if found},
        "processor": platform.machine(),
        "sha256": sums,
    }


def write(campaign, given, files, out):
    Path(out).write_text(json.dumps(record(campaign, given, files), indent=2) + "\n")
