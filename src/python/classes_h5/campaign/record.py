"""What a campaign was run with: settings, checksums and versions, to repeat it."""

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path

from classes_h5 import filters

PROGRAMS = ("h5-config-get", "classes-patch", "classes-sites", "h5-config-set")
PACKAGES = ("tensorflow", "numpy", "pandas", "scipy", "statsmodels", "snakemake")


def record(campaign, given, files):
    """A dict of all that; given: the YAML's mapping, files: paths in the results' folder."""
    keras = {2: "tf_keras", 3: "keras"}[campaign.keras]
    versions = {program: filters.call(program, "--version").split()[-1] for program in PROGRAMS}
    versions |= {package: version(package) for package in (keras, *PACKAGES)}
    versions["python"] = platform.python_version()
    return {
        "settings": given,
        "layers": {layer.name: layer.operator for layer in campaign.layers},
        "left_out": campaign.left_out,
        "keras": campaign.keras,
        "versions": {name: found for name, found in versions.items() if found},
        "processor": platform.machine(),
        "sha256": {path: sha256(path) for path in files},
    }


def write(campaign, given, files, out):
    Path(out).write_text(json.dumps(record(campaign, given, files), indent=2) + "\n")


def version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def sha256(path):
    digest = hashlib.sha256()  # hashlib.file_digest came with Python 3.11
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
