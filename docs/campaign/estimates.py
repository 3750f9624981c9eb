"""Rates with intervals from the predictions of play.py.

    python estimates.py predictions*.tsv [--weights weights.tsv] [--frequencies frequencies.tsv] [--confidence 0.95] [--out table.tsv]

All rates hold GIVEN a corrupted output of the layer: they are no failure rates of the device.
"""

COLUMNS = (
    "set",
    "operator",  # "*" in rows of the whole network
    "layer",  # "*": the whole network, layers weighted
    "spatial_class",  # "*": the whole layer; "not as defined": the sites with as_defined false
    "measure",  # one of MEASURES, or outcome (the mean of a hook's numbers), or outcome=NAME (the share of a hook's NAME)
    "estimate",
    "low",  # the interval's limits; empty where there is none (one input or one site in a crossed design)
    "high",
    "predictions",  # what the estimate rests on: those with an effect, for no_effect all
    "sites",
    "inputs",
    "design",  # one or crossed
    "weight",  # the layer's weight in the network figure; empty without weights
)
MEASURES = (
    "masked",  # top-1 as without the fault and nothing non-finite in the output
    "changed",  # top-1 differs
    "critical",  # top-1 was right and is lost
    "nan",  # NaN or infinity in the output
    "accuracy",  # top-1 is the label, with the fault
    "golden_accuracy",  # top-1 is the label, without the fault, over the same inputs
    "no_effect",  # share of all predictions in which the cells held their values already; not in the other measures
)


def read(paths):
    """The predictions of one or more files as one DataFrame, typed; raises EstimateError for a file that is not one."""
    raise NotImplementedError


def estimate(predictions, weights=None, frequencies=None, confidence=0.95):
    """A DataFrame of COLUMNS. weights: {layer: weight}; frequencies: {(set, operator): {spatial_class: frequency}}."""
    raise NotImplementedError


def read_weights(path):
    """{layer: weight} from a TSV with the columns layer and weight."""
    raise NotImplementedError


def read_frequencies(path):
    """{(set, operator): {spatial_class: frequency}} from what `classes-sites --list-operators` prints."""
    raise NotImplementedError
