"""What is wrong with a campaign."""

import re
from contextlib import contextmanager

from classes_h5.filters import PROGRAMS, FilterError

FILTER = re.compile(f"^({'|'.join(PROGRAMS)}): ")


class CampaignError(FilterError):
    """What is wrong with a campaign, in one line, and perhaps a hint."""


class Mistakes:
    """Collects what is wrong, to tell all of it at once."""

    def __init__(self):
        self._found = []  # (key, text)

    @contextmanager
    def of(self, key):
        """What is raised within this is a mistake of the key."""
        try:
            yield
        except FilterError as error:
            self._found.append((key, FILTER.sub(f"{key}: ", str(error))))
        except ValueError as error:
            self._found.append((key, f"{key}: {error}"))

    def __contains__(self, key):
        return key in self.keys()

    def keys(self):
        """Those that have one."""
        return {key for key, _ in self._found}

    def tell(self):
        """Raises what was found, one after the other."""
        if self._found:
            raise CampaignError("\n".join(dict.fromkeys(text for _, text in self._found)))
