"""Plays injection sites into a faulty model: every prediction charged to its fault.

    from classes_h5.runner import load, play

    model = load("faulty.h5")
    table = play(model, None, "sites.ndjson", images, labels)    # pandas.DataFrame(table) has one line a prediction

`python -m classes_h5.play` does the same with files.
"""

import hashlib
import os
import re
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from classes_h5 import inputs
from classes_h5.batches import Inputs, PlayError, play_batches
from classes_h5.cut import layer_before, simulators, times_called
from classes_h5.files import Refused, keras_for
from classes_h5.judge import asked, classes_of, judge
from classes_h5.keras_internals import graph_of
from classes_h5.network import Network
from classes_h5.simulator import ErrorSimulatorMode, error_simulator
from classes_h5.site_lines import Site, SiteError, read_sites

ONE, CROSSED = "one", "crossed"
COLUMNS = (
    "layer",  # whose output is corrupted
    "operator",  # of the sites' error model; empty for the single-bit-flip baseline and for sites made by hand
    "set",  # gpu-warp, gpu-thread, a folder of one's own, single-bit-flip; empty for sites made by hand
    "seed",  # of the sites, empty if their lines have none
    "site",  # its number as its line has it, else its place in the file
    "spatial_class",  # empty for the baseline
    "value_classes",  # those of the cells, sorted, joined by +
    "as_defined",  # true or false, as all truth values here
    "cells",  # how many
    "measured_on",  # the measured layer whose model the site is drawn from; empty where the set has one model an operator
    "p_sdc",  # how often a fault corrupts the output of that layer at all; empty where the set does not tell
    "input",  # its place in the images, from 0
    "label",  # empty without labels
    "golden",  # the class of the highest score without the fault; -1 where a score is NaN
    "faulty",  # the same with the fault
    "changed",  # the two differ
    "critical",  # golden is the label and faulty is not (top-1 lost); without labels: changed
    "distance",  # the greatest absolute difference of an output value from the golden one, to six decimals
    "nan",  # a NaN or an infinity is in the faulty output
    "no_effect",  # the simulator changed no bit: the cells held those values already
    "outcome",  # the hook's result; without a hook the first that holds of nan, critical, changed, masked
)


class PlayWarning(UserWarning):
    """What is played and may not be meant, in one line."""


def load(path, version="auto"):
    """The model in a file, by Keras "2", "3" or the one that wrote it ("auto")."""
    try:
        keras = keras_for(path, version)
    except Refused as error:
        raise PlayError(str(error)) from error
    try:
        return keras.models.load_model(path, custom_objects={"ErrorSimulator": error_simulator(keras)}, compile=False)
    except Exception as error:  # Keras wraps what a layer says in whatever it was doing
        said = re.search(r"ErrorSimulator: .*", str(error))
        raise PlayError(f"{path} does not load: {said[0] if said else one_line(error)}") from error


def play(
    model,
    simulator,
    sites,
    images,
    labels=None,
    *,
    layer=None,
    design=ONE,
    seed=0,
    batch_size=32,
    outcome=None,
    first=0,
    count=None,
    graph=True,
):
    """A list for each of COLUMNS, with an entry a prediction, in the order of the sites, then of the inputs.

    model: as `load` gives it. simulator: its name ("outer/simulator" in a nested model), None for the only one.
    sites: the path of the lines that the model was filled with. layer: its name in the rows, None for that before the simulator.
    images: an array of the network's inputs, or of several inputs a list in the model's order or a dict by name.
    labels: their classes, integers, or None.
    design: ONE, each site meets one input that (seed, site) decides; or CROSSED, each site meets every input.
    outcome: a function of (golden, faulty, input) for each prediction, arrays without the batch axis (lists of them,
    in the model's order, where the network has several outputs or inputs), that returns a number, a bool or a str.
    first, count: play these places of the file only. graph: False for eager computation, slower.
    Afterwards all simulators but this one are disabled. Raises PlayError.
    """
    found = choose(model, simulator)
    calls = times_called(model, found.layer)
    if calls != 1:
        raise PlayError(f"{found.path} is called {calls} times in one pass: a transient fault strikes once (classes-patch --node)")
    sites = matching(sites, found)
    chosen = range(first, len(sites) if count is None else min(first + count, len(sites)))
    if not chosen:
        raise PlayError(f"no site to play: {len(sites)} sites, the first wanted is {first}")
    images, labels, classes = fitting(model, images, labels, outcome)
    behind = layer_before(found)
    if others := sorted({site.drawn_for for site in sites} - {"", behind}):
        told = ", ".join(map(repr, others))
        warnings.warn(f"the sites were drawn for {told}, and are played behind {behind!r}", PlayWarning, stacklevel=2)
    layer = layer or behind
    pairs = paired(design, seed, layer, sites, chosen, len(images[0]))
    network = Network(model, [found.layer], graph)
    with network.tensors.unchanged():
        met = Inputs(network, model, images, pairs[:, 1], model.inputs[0].shape[0] or batch_size)
        table = judged(met, found.layer, found.layer.injection_sites, pairs, labels, classes, outcome)
    found.layer.set_mode(ErrorSimulatorMode.enabled)
    found.layer.select(None)
    return named(table, layer, sites, pairs)


def judged(met, gate, injected, pairs, labels, classes, outcome, told=None):
    """What is said of each pair (site, input). met: Inputs. injected: the sites as a simulator holds them. told: a function that
    is called with how many more are judged."""
    table = {name: [None] * len(pairs) for name in COLUMNS}
    for batch in play_batches(met, gate, injected, pairs):
        said = judge(batch, None if labels is None else labels[pairs[batch.pairs, 1]], classes is not None)
        if outcome:
            said["outcome"] = hooked(outcome, batch, [part[pairs[batch.pairs, 1]] for part in met.images])
        for name, values in said.items():
            for pair, value in zip(batch.pairs, values):
                table[name][pair] = value
        if told:
            told(len(batch.pairs))
    return table


def named(table, layer, sites, pairs):
    """The table with what each of its lines is charged to."""
    table["layer"] = [layer] * len(pairs)
    table["input"] = pairs[:, 1].tolist()
    for name in (name for name in Site._fields if name in COLUMNS):
        table[name] = [getattr(sites[place], name) for place in pairs[:, 0]]
    return table


def paired(design, seed, layer, sites, chosen, count):
    """The pairs (place of the site, input) of a design, as an array of two columns."""
    if design == CROSSED:
        return np.column_stack((np.repeat(chosen, count), np.tile(np.arange(count), len(chosen))))
    return np.array([(place, meets(seed, layer, sites[place], count)) for place in chosen])


def meets(seed, layer, site, count):
    """The input that a site meets: uniform, and for no other reason than seed and site the same everywhere."""
    text = "\n".join(
        map(str, ("classes-h5 input 1", seed, layer, site.set, site.operator, site.seed, site.spatial_class, site.site))
    )
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") % count


def hooked(outcome, batch, images):
    """What the outcome function says of each prediction of a batch. images: its inputs, an array for each of the network's."""
    rows = images[0] if len(images) == 1 else map(list, zip(*images))
    try:
        return [asked(outcome, batch, row, image) for row, image in enumerate(rows)]
    except Exception as error:
        raise PlayError(f"the outcome function: {type(error).__name__}: {one_line(error)}") from error


def choose(model, name):
    """The simulator of this name, the only one if None; the others are disabled."""
    found = {one.path: one for one in simulators(model)}
    if not found:
        raise PlayError("no ErrorSimulator in the model (h5-config-set puts one in)")
    if name is None and len(found) > 1:
        raise PlayError(f"several simulators, choose one: {', '.join(found)}")
    if name is not None and name not in found:
        raise PlayError(f"no simulator {name} in the model, there is: {', '.join(found)}")
    chosen = found[name or next(iter(found))]
    for one in found.values():
        one.layer.set_mode(ErrorSimulatorMode.disabled)
    return chosen


def matching(path, found):
    """The sites of a file, which must be those that the simulator was filled with."""
    try:
        sites = read_sites(path)
    except (SiteError, OSError, UnicodeDecodeError) as error:
        raise PlayError(f"{path}: {getattr(error, 'strerror', None) or one_line(error)}") from error
    if len(sites) != found.layer.num_inj_sites:
        raise PlayError(f"{path} has {len(sites)} sites, {found.path} {found.layer.num_inj_sites}: not those it was filled with")
    for place, (site, cells) in enumerate(zip(sites, found.layer.cell_counts())):
        if site.cells != cells:
            raise PlayError(
                f"{path}: site {place} has {site.cells} cells, that of {found.path} {cells}: not those it was filled with"
            )
    return sites


def fitting(model, images, labels, outcome):
    """(images, labels, how many classes there are) that fit the network."""
    images, labels = checked(model, images, labels)
    classes = classes_of(model)
    if classes is None and outcome is None:
        shapes = ", ".join(str(tuple(output.shape[1:])) for output in model.outputs)
        raise PlayError(f"outputs of shape {shapes} are not one score for each class: give an outcome function")
    if labels is not None and classes and not (labels.min() >= 0 and labels.max() < classes):
        raise PlayError(f"labels are from {labels.min()} to {labels.max()}, the network has classes 0 to {classes - 1}")
    return images, labels, classes


def checked(model, images, labels):
    """Images, a list in the model's order, and labels that the network can take."""
    try:
        images = inputs.checked(graph_of(model), images)
    except Refused as error:
        raise PlayError(str(error)) from error
    for part in images:
        if part.dtype.kind not in "biuf":
            raise PlayError(f"images must be numbers, found {part.dtype} of shape {part.shape}")
    if labels is not None:
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise PlayError(f"labels must be one integer an input, found {labels.dtype} of shape {labels.shape}")
        if len(labels) != len(images[0]):
            raise PlayError(f"{len(labels)} labels for {len(images[0])} images")
    return images, labels


def one_line(error):
    return str(error).strip().partition("\n")[0] or type(error).__name__
