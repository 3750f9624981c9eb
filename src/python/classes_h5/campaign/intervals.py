"""Confidence intervals for rates and means under the two designs of `classes_h5.play`. statistics.md has formulas and sources.

A figure is made of strata, each with a weight; the weights sum to 1. Every function returns (estimate, low, high).
"""

from typing import Any

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

NONE = (np.nan, np.nan, np.nan)


def wilson(events, trials, confidence):
    """Wilson's score interval; trials need not be whole."""
    low, high = proportion_confint(events, trials, 1 - confidence, method="wilson")
    # Rounding must not leave a limit beside 0 or 1.
    return events / trials, low if events > 0 else 0.0, high if events < trials else 1.0


def student(values, confidence):
    """Student's interval of a mean; of one value none."""
    mean = values.mean()
    if len(values) < 2:
        return mean, np.nan, np.nan
    half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return mean, mean - half, mean + half


def one(strata, confidence, rate=True):
    """One site, one input. strata: (weight, values of independent predictions), at least one each; values of a rate are 0 or 1.

    Strata are combined by the distances of their limits (MOVER), which needs no variance and so survives rates of 0 and 1.
    """
    limits = [
        (weight, *(wilson(values.sum(), len(values), confidence) if rate else student(values, confidence)))
        for weight, values in strata
    ]
    estimate = sum(weight * mean for weight, mean, _, _ in limits)
    down = np.sqrt(sum((weight * (mean - low)) ** 2 for weight, mean, low, _ in limits))
    up = np.sqrt(sum((weight * (high - mean)) ** 2 for weight, mean, _, high in limits))
    figures = estimate, estimate - down, estimate + up
    return tuple(np.clip(figures, 0, 1)) if rate else figures


def crossed(strata, confidence, rate=True):
    """Every site on every input. strata: (weight, values, counted), matrices of a row a site and a column an input.

    The inputs are the same in all strata. counted: 0 where a prediction is left out, else 1; one at least is not.
    """
    estimate, parts = 0.0, []
    by_input: Any = 0.0
    for weight, values, counted in strata:
        mean = values[counted].mean()
        apart = np.where(counted, values - mean, 0) / counted.mean()
        estimate += weight * mean
        by_input = by_input + weight * apart.mean(axis=0)
        if len(apart) < 2:
            return estimate_only(strata)
        parts.append((weight**2 * apart.mean(axis=1).var(ddof=1) / len(apart), len(apart) - 1))
    inputs = len(by_input)
    if inputs < 2:
        return estimate_only(strata)
    parts.append((by_input.var(ddof=1) / inputs, inputs - 1))
    variance = sum(part for part, _ in parts)
    if variance <= 1e-20 * estimate**2:  # zero, but for rounding
        # All alike. What is sure: the smaller of the two samples, as if each of its members had been seen once.
        fewest = min(inputs, sum(len(values) for _, values, _ in strata))
        return wilson(estimate * fewest, fewest, confidence) if rate else (estimate, np.nan, np.nan)
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)  # Satterthwaite
    quantile = stats.t.ppf((1 + confidence) / 2, freedom)
    if not rate:
        half = quantile * np.sqrt(variance)
        return estimate, estimate - half, estimate + half
    # Wilson's interval with as many trials as would have this variance, fewer for the t quantile.
    trials = estimate * (1 - estimate) / variance * (stats.norm.ppf((1 + confidence) / 2) / quantile) ** 2
    trials = min(trials, sum(np.count_nonzero(counted) for *_, counted in strata))
    return wilson(estimate * trials, trials, confidence)


def estimate_only(strata):
    return sum(weight * values[counted].mean() for weight, values, counted in strata), np.nan, np.nan


def ratio(one, other):
    """Of two independent figures that are not below 0, by their limits (MOVER-R); without an event in the other, no high limit."""
    (a, a_low, a_high), (b, b_low, b_high) = one, other
    if not (a_low >= 0 and b_low >= 0 and b_high > 0):
        return NONE
    low = (a * b - root(a * b, a_low * b_high * (2 * a - a_low) * (2 * b - b_high))) / (b_high * (2 * b - b_high))
    if b_low == 0:
        return a / b if b else np.inf, low, np.inf
    return a / b, low, (a * b + root(a * b, a_high * b_low * (2 * a - a_high) * (2 * b - b_low))) / (b_low * (2 * b - b_low))


def root(product, part):
    return root_of(product**2 - part)


def root_of(square):
    return np.sqrt(max(square, 0.0))  # below 0 by rounding alone


def told_apart(one, other, widened=1.0):
    """Whether the interval of the difference of two independent figures leaves out 0 (MOVER). widened: the limits' distances."""
    (a, a_low, a_high), (b, b_low, b_high) = (one, other) if one[0] >= other[0] else (other, one)
    return bool(a - b > widened * np.hypot(a - a_low, b_high - b))


def spearman(one, other, confidence=0.95):
    """Rank correlation with mid-ranks; its interval is Bonett's and Wright's, as if the pairs were a sample of such pairs."""
    ranks = np.array([stats.rankdata(values) for values in (one, other)])
    if len(one) < 3 or (np.ptp(ranks, axis=1) == 0).any():
        return NONE
    found = np.corrcoef(ranks)[0, 1]
    if len(one) < 4:
        return found, np.nan, np.nan
    half = stats.norm.ppf((1 + confidence) / 2) * np.sqrt((1 + found**2 / 2) / (len(one) - 3))
    middle = np.arctanh(np.clip(found, -1 + 1e-12, 1 - 1e-12))
    return found, np.tanh(middle - half), np.tanh(middle + half)


def newcombe(counts, confidence):
    """Of the difference of two rates of the same trials, the second minus the first: Newcombe's method 10.

    The counts are of trials in which the event happened both times, the first time only, the second time only, and never.
    """
    both, before, after, neither = counts
    n = sum(counts)
    (p, p_low, p_high), (q, q_low, q_high) = (wilson(events, n, confidence) for events in (both + before, both + after))
    product = both * neither - before * after
    spread = np.sqrt(float(both + before) * (after + neither) * (both + after) * (before + neither))
    phi = (max(product - n / 2, 0) if product > 0 else product) / spread if spread else 0.0

    def distance(one, other):
        return root_of(one**2 - 2 * phi * one * other + other**2)

    return q - p, q - p - distance(q - q_low, p_high - p), q - p + distance(q_high - q, p - p_low)


def mcnemar(before, after):
    """The exact two-sided p of as many trials with the event the first time only, and the second time only."""
    return stats.binomtest(min(before, after), before + after).pvalue if before + after else 1.0


def paired(strata, confidence):
    """The difference of two rates of the same trials. strata: (weight, events the first time, the second time), as truth values."""
    found = []
    for weight, first, second in strata:
        counts = [int(part.sum()) for part in (first & second, first & ~second, second & ~first, ~first & ~second)]
        found.append((weight, *newcombe(counts, confidence)))
    middle = sum(weight * difference for weight, difference, _, _ in found)
    down = np.sqrt(sum((weight * (difference - low)) ** 2 for weight, difference, low, _ in found))
    up = np.sqrt(sum((weight * (high - difference)) ** 2 for weight, difference, _, high in found))
    return middle, max(middle - down, -1.0), min(middle + up, 1.0)
