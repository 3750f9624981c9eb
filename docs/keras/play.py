"""Plays injection sites into a faulty model and writes one line a prediction.

    python play.py faulty.h5 --images x.npy --labels y.npy --sites sites.ndjson --out predictions.tsv

Beside error_simulator.py; needs TensorFlow and the Keras that the file is for. `play` is the same from Python.
Exit codes: 0 done, 1 something about files, layers or content, 2 flags and their values, 130 interrupted.
"""

COLUMNS = (
    "layer",  # the layer whose output is corrupted
    "operator",  # the sites' error model; empty for the single-bit-flip baseline and for sites made by hand
    "set",  # gpu-warp, gpu-thread, a folder of one's own, single-bit-flip, or empty
    "seed",  # the sites' seed, empty if their lines have none
    "site",  # the site's number as its line has it, else its place in the file
    "spatial_class",
    "value_classes",  # those of the cells, sorted, joined by +
    "as_defined",  # true or false, as all truth values here
    "cells",  # how many
    "input",  # the input's place in the images, from 0
    "label",  # empty without labels
    "golden",  # the class of the highest score without the fault; -1 where a score is NaN
    "faulty",  # the same with it
    "changed",  # whether the two differ
    "critical",  # whether golden is the label and faulty is not (top-1 lost); without labels: changed
    "distance",  # the greatest absolute difference between a golden and a faulty output value, to six decimals
    "nan",  # whether a NaN or an infinity is in the faulty output
    "no_effect",  # whether the simulator changed no bit: the cells held their values already
    "outcome",  # the hook's result; without a hook the first that holds of nan, critical, changed, masked
)
# Of a network that does not classify (it needs a hook) golden, faulty, changed and critical are empty.


def play(model, simulator, sites, images, labels=None, *, layer=None, design="one", seed=0, batch_size=64, outcome=None,
         first=0, count=None, graph=True):
    """One dict of COLUMNS a prediction, in the order of the sites and then of the inputs.

    model, simulator: as loaded, and the simulator's name ("outer/simulator" in a nested model; None: the only one).
    sites: the path of the lines that the model was filled with.
    images: (n, ...) inputs; labels: (n,) integers, or None. layer: what to write for the layer; None: the one before the simulator.
    design: "one" (each site meets one input, drawn from seed and site) or "crossed" (each site meets every input).
    outcome: a function (golden, faulty, input) -> number, bool or str, called for each prediction with arrays of no batch axis.
    first, count: play sites first..first+count-1 by place only. graph: False computes eagerly.
    Raises PlayError, one line.
    """
    raise NotImplementedError
