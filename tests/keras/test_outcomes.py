"""Outcomes that are ready made, each by its definition."""

import numpy as np
import pytest
from classes_h5.outcomes import READY, box_loss, graded, iou_loss, rank_loss, sdc5, sdc10, sdc20

SCORES = np.array([0.3, 0.25, 0.2, 0.1, 0.08, 0.05, 0.02], "float32")


def with_score(place, score):
    faulty = SCORES.copy()
    faulty[place] = score
    return faulty


@pytest.mark.parametrize("place, lost", [(0, False), (4, False), (5, True), (6, True)])
def test_sdc5_asks_whether_what_is_found_was_among_the_best_five(place, lost):
    assert sdc5(SCORES, with_score(place, 0.9), None) is lost


@pytest.mark.parametrize(
    "score, tenth, fifth", [(0.32, False, False), (0.34, True, False), (0.37, True, True), (np.nan, True, True)]
)
def test_sdc10_and_sdc20_ask_how_far_the_best_score_went(score, tenth, fifth):
    faulty = with_score(0, score)
    assert (sdc10(SCORES, faulty, None), sdc20(SCORES, faulty, None)) == (tenth, fifth)
    assert sdc5(SCORES, faulty, None) is bool(np.isnan(score))


def test_graded_tells_what_can_be_noticed_from_what_cannot():
    for faulty, word in [
        (SCORES, "1 masked"),
        (with_score(0, 0.34), "2 safe"),
        (with_score(0, 0.36), "3 tolerable"),
        (with_score(3, np.inf), "4 due"),
        (with_score(3, np.nan), "4 due"),
        (with_score(3, 0.31), "5 critical"),
    ]:
        assert graded(SCORES, faulty, None) == word


def test_rank_loss_is_none_for_the_same_order_and_one_for_the_reversed():
    assert rank_loss(SCORES, SCORES * 2, None) == 0
    assert rank_loss(SCORES, -SCORES, None) == 1
    # One of 21 pairs has changed places.
    assert rank_loss(SCORES, with_score(1, 0.31), None) == pytest.approx(1 / 21)
    assert rank_loss(SCORES, np.zeros(7), None) == rank_loss(SCORES, with_score(1, np.nan), None) == 0.5


def test_iou_loss_is_the_mean_over_the_classes_that_are_found():
    golden = np.eye(3)[[[0, 0, 1, 1]]]
    assert iou_loss(golden, golden, None) == 0
    # Of class 0 both pixels are still found, of class 1 one of two; class 2 is found once, where it never was.
    assert iou_loss(golden, np.eye(3)[[[0, 0, 1, 2]]], None) == pytest.approx(1 - (1 + 0.5 + 0) / 3)
    lost = golden.copy()
    lost[0, 0, 2] = np.nan
    assert iou_loss(golden, lost, None) == pytest.approx(1 - (0.5 + 1) / 2)


def test_iou_loss_of_one_score_a_pixel_is_that_of_the_object():
    golden = np.array([[0.9, 0.8, 0.1]])[..., None]
    assert iou_loss(golden, np.array([[0.9, 0.2, 0.7]])[..., None], None) == pytest.approx(1 - 1 / 3)
    assert iou_loss(golden * 0, golden * 0, None) == 0


def test_box_loss_matches_boxes_that_cover_each_other():
    golden = np.array([[0, 0, 10, 10, 0.9], [20, 20, 30, 30, 0.8], [0, 0, 1, 1, 0.2]])
    assert box_loss(golden, golden[::-1], None) == 0
    moved = golden.copy()
    moved[0, :4] += [0, 2, 0, 2]  # 8 of 12 rows in common
    assert box_loss(golden, moved, None) == 0
    moved[0, :4] += [0, 2, 0, 2]  # 6 of 14
    assert box_loss(golden, moved, None) == 0.5
    assert box_loss(golden, golden[:1], None) == pytest.approx(1 - 2 / 3)
    assert box_loss(golden, golden * np.nan, None) == 1 and box_loss(golden[2:], golden[2:], None) == 0
    # The same place, another class.
    kinds = np.column_stack((golden, [1, 2, 3]))
    other = kinds.copy()
    other[1, 5] = 1
    assert box_loss(kinds, other, None) == 0.5


@pytest.mark.parametrize("name", READY)
def test_a_network_of_several_outputs_is_refused(name):
    with pytest.raises(ValueError, match="networks of one output, found 2"):
        READY[name]([SCORES, SCORES], [SCORES, SCORES], None)


def test_boxes_of_another_form_are_refused():
    with pytest.raises(ValueError, match=r"boxes are rows of 5 or 6 numbers, the output has shape \(3, 4\)"):
        box_loss(np.zeros((3, 4)), np.zeros((3, 4)), None)
