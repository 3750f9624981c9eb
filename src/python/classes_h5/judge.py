"""What a fault did to a prediction: golden output and faulty output beside each other."""

import numbers

import numpy as np

NO_CLASS = -1  # what a NaN among the scores leaves


def classes_of(model):
    """How many classes the network tells apart; None if its output is not one score for each."""
    shape = model.outputs[0].shape
    rank = shape.rank if hasattr(shape, "rank") else len(shape)  # of TensorFlow it may be unknown
    return shape[1] if len(model.outputs) == 1 and rank == 2 and (shape[1] or 0) > 1 else None


def judge(batch, labels, classifies):
    """The columns of play.COLUMNS that a batch decides, each with a value a prediction."""
    rows = len(batch.pairs)
    distance, finite = np.zeros(rows), np.ones(rows, bool)
    for golden, faulty in zip(batch.golden, batch.faulty):
        golden, faulty = (array.reshape(rows, -1).astype(np.float64) for array in (golden, faulty))
        with np.errstate(invalid="ignore"):
            apart = np.where(golden == faulty, 0, np.abs(faulty - golden))
        distance = np.maximum(distance, apart.max(axis=1))
        finite &= np.isfinite(faulty).all(axis=1)
    judged = {"distance": distance.round(6).tolist(), "nan": (~finite).tolist(), "no_effect": (~batch.changed).tolist()}
    if not classifies:
        return judged | dict.fromkeys(("label", "golden", "faulty", "changed", "critical", "outcome"), [""] * rows)
    golden, faulty = top(batch.golden[0]), top(batch.faulty[0])
    changed = golden != faulty
    critical = changed if labels is None else (golden == labels) & changed
    return judged | {
        "label": [""] * rows if labels is None else labels.tolist(),
        "golden": golden.tolist(),
        "faulty": faulty.tolist(),
        "changed": changed.tolist(),
        "critical": critical.tolist(),
        "outcome": np.select([~finite, critical, changed], ["nan", "critical", "changed"], "masked").tolist(),
    }


def top(scores):
    """The class of the highest score of each row, the first of several; none where a score is NaN."""
    return np.where(np.isnan(scores).any(axis=1), NO_CLASS, scores.argmax(axis=1))


def asked(outcome, batch, row, image):
    """What the hook says of one prediction, as the table has it."""
    golden, faulty = ([array[row] for array in outputs] for outputs in (batch.golden, batch.faulty))
    if len(golden) == 1:
        golden, faulty = golden[0], faulty[0]
    said = outcome(golden, faulty, image)
    if isinstance(said, (bool, np.bool_, str)):
        return said if isinstance(said, str) else bool(said)
    if isinstance(said, numbers.Real):
        return round(float(said), 6)
    raise TypeError(f"it returned {said!r:.60}, must be a number, a bool or a str")
