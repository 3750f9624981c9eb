"""What a campaign cannot be run with."""

from classes_h5.filters import FilterError


class CampaignError(FilterError):
    """Something of the user's that cannot be worked with: one line, and perhaps a hint."""
