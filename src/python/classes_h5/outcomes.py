"""Outcomes that people publish, ready made: `outcome: sdc5` in a campaign, `--outcome classes_h5.outcomes:sdc5` of `play`.

Each is a function of (golden, faulty, input): what the network puts out without and with the fault, arrays without a batch axis. A
number grows with the harm, a truth value is true of it, and of words the last of the alphabet is the worst.
"""

import numpy as np

MOVED = 0.05  # how far a score moves before it is said to be another
RUNS = 1e-6  # how far scores are apart that are the same but for rounding
IOU = 0.5  # from which on two boxes are of one object
SCORE = 0.5  # from which on a box, or a pixel of one class, is found


def sdc5(golden, faulty, _=None):
    """The class that is found is none of the five best without the fault; with fewer classes than six it never happens.

    SDC-5 of G. Li et al., Understanding Error Propagation in Deep Learning Neural Network (DNN) Accelerators and Applications,
    SC 2017. A NaN finds no class.
    """
    golden, faulty = one(golden), one(faulty)
    return bool(np.isnan(faulty).any() or faulty.argmax() not in np.argsort(-golden, kind="stable")[:5])


def sdc10(golden, faulty, _=None):
    """The score of the class that is found is more than 10 % away from the best one without the fault: SDC-10% of the same."""
    return moved(golden, faulty, 0.1)


def sdc20(golden, faulty, _=None):
    """More than 20 % away: SDC-20% of the same."""
    return moved(golden, faulty, 0.2)


def moved(golden, faulty, share):
    best, found = one(golden).max(), one(faulty).max()
    return not abs(found - best) <= share * abs(best)


def graded(golden, faulty, _=None):
    """`1 masked`: every score is the same but for rounding; `2 safe`: the class is the same, and no score moved by more than 0.05;
    `3 tolerable`: the class is the same; `4 due`: a NaN or an infinity, which can be noticed; `5 critical`: another class."""
    golden, faulty = one(golden), one(faulty)
    if not np.isfinite(faulty).all():
        return "4 due"
    if golden.argmax() != faulty.argmax():
        return "5 critical"
    apart = np.abs(faulty.astype(np.float64) - golden).max()
    return "1 masked" if apart <= RUNS else "2 safe" if apart <= MOVED else "3 tolerable"


def rank_loss(golden, faulty, _=None):
    """How much of the order of the scores is lost: 0 all is kept, 0.5 nothing is left of it, 1 reversed.

    Half of one less Kendall's tau-b (M. G. Kendall, A New Measure of Rank Correlation, Biometrika 30, 1938). Of a NaN, or where all
    scores are equal, 0.5.
    """
    from scipy.stats import kendalltau

    golden, faulty = one(golden).ravel(), one(faulty).ravel()
    tau = np.nan if np.isnan(faulty).any() else kendalltau(golden, faulty).statistic
    return 0.5 if np.isnan(tau) else (1 - tau) / 2


def iou_loss(golden, faulty, _=None):
    """For segmentation, scores (..., classes): one less the mean intersection over union of the classes that are found without or
    with the fault.

    With one score a pixel there is one class, found from 0.5 on. A pixel with a NaN is of no class.
    """
    golden, faulty = one(golden), one(faulty)
    if golden.shape[-1] == 1:
        found = [array[..., 0] > SCORE for array in (golden, faulty)]
        kinds = [True] if np.any(found) else []
    else:
        found = [np.where(np.isnan(array).any(axis=-1), -1, array.argmax(axis=-1)) for array in (golden, faulty)]
        kinds = [kind for kind in np.unique(found) if kind >= 0]
    shares = [np.count_nonzero(np.logical_and(*same)) / np.count_nonzero(np.logical_or(*same)) for same in of_kinds(found, kinds)]
    return 1 - np.mean(shares) if shares else 0.0


def of_kinds(found, kinds):
    return [[array == kind for array in found] for kind in kinds]


def box_loss(golden, faulty, _=None):
    """For detection, rows of (left, top, right, bottom, score) or (..., score, class): one less the F1 of the boxes with the fault,
    judged by those without. 0 where neither has a box.

    Boxes count from a score of 0.5 on. The best of them first takes the free box of its class that it covers most, from an
    intersection over union of 0.5 on, as in PASCAL VOC (M. Everingham et al., Int. J. Computer Vision 88, 2010).
    """
    golden, faulty = (boxes(one(array)) for array in (golden, faulty))
    if not len(golden) and not len(faulty):
        return 0.0
    free, matched = list(golden), 0
    for box in faulty[np.argsort(-faulty[:, 4], kind="stable")]:
        shares = [overlap(box, other) if (box[5:] == other[5:]).all() else 0.0 for other in free]
        if shares and max(shares) >= IOU:
            free.pop(int(np.argmax(shares)))
            matched += 1
    return 1 - 2 * matched / (len(golden) + len(faulty))


def boxes(rows):
    if rows.ndim != 2 or rows.shape[1] not in (5, 6):
        raise ValueError(f"boxes are rows of 5 or 6 numbers, the output has shape {rows.shape}")
    return rows[np.isfinite(rows).all(axis=1) & (rows[:, 4] >= SCORE)].astype(np.float64)


def overlap(one, other):
    """The intersection over union of two boxes."""
    sides = np.minimum(one[2:4], other[2:4]) - np.maximum(one[:2], other[:2])
    inside = np.prod(np.clip(sides, 0, None))
    union = sum(np.prod(np.clip(box[2:4] - box[:2], 0, None)) for box in (one, other)) - inside
    return inside / union if union > 0 else 0.0


def one(output):
    """The only output."""
    if isinstance(output, list):
        raise ValueError(f"this outcome is for networks of one output, found {len(output)}")
    return output


READY = {function.__name__: function for function in (sdc5, sdc10, sdc20, graded, rank_loss, iou_loss, box_loss)}
