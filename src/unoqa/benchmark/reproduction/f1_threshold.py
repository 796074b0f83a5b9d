"""The paper's threshold between outstanding images and the rest: it maximises F1 on labels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float


def find_f1_max_threshold(scores: Float[np.ndarray, " images"], poor: Bool[np.ndarray, " images"]) -> float:
    """Return the threshold above which F1 for `poor` is highest (the paper, section 2.3.1). It uses labels.

    F1 = 2TP / (2TP + FP + FN). Of equally good thresholds, return the one that refuses the fewest images.

    Example:
        >>> find_f1_max_threshold(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]))
        2.0
    """
    order = np.argsort(-scores, kind="stable")
    worst_first = scores[order]
    true_positives = np.cumsum(poor[order])
    f1 = 2 * true_positives / (np.arange(1, len(scores) + 1) + max(int(poor.sum()), 1))
    last_of_its_score = np.append(worst_first[:-1] != worst_first[1:], True)
    best = int(np.argmax(np.where(last_of_its_score, f1, -1.0)))
    lower = worst_first[best + 1 :]
    return float(lower[0]) if len(lower) else float(np.nextafter(worst_first[-1], -np.inf))
