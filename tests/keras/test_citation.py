"""What is said for citing is that of this version."""

import re

import yaml
from classes_h5.campaign import downloads
from kerases import ROOT


def test_the_citation_file_has_the_version_and_the_article():
    cff = yaml.safe_load((ROOT / "docs" / "CITATION.cff").read_text())
    cargo = (ROOT / "Cargo.toml").read_text()
    assert cff["version"] == re.search(r'^version = "(.*)"', cargo, re.MULTILINE)[1]
    assert cff["references"][0]["doi"] in downloads.citation("x") and cff["license"] in downloads.citation("x")
