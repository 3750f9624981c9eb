"""SHA-256 of what is in a model, whatever the times of its files."""

import hashlib
import os
from pathlib import Path


def sha256(path):
    """That of a file; of a folder, that of what sha256sum says of all files in it, in the order of their names."""
    if os.path.isdir(path):
        names = sorted(str(file.relative_to(path)) for file in Path(path).rglob("*") if file.is_file())
        lines = [f"{sha256(os.path.join(path, name))}  {name}\n" for name in names]
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()
    found = hashlib.sha256()  # hashlib.file_digest came with Python 3.11
    with open(path, "rb") as file:
        while block := file.read(2**20):
            found.update(block)
    return found.hexdigest()
