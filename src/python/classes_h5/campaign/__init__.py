"""Fault injection campaigns: from a YAML file to a table of predictions, rates with intervals, and one page."""
