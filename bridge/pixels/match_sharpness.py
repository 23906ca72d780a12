"""Undoes a service's slight softness, as far as what it should have kept shows it: an autoencoder blurs details."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: The most that details are strengthened: 2.0 undoes a Gaussian of 0.7 px, more would ring.
LARGEST_AMOUNT = 2.0
#: Of the squared difference between what was sent and what was kept, so much has to vanish: softness is not the
#: only thing that changes details.
LEAST_GAIN = 0.3
#: Levels. Details below the first are left alone, above the second they count fully: an 8-bit gradient's steps
#: and faint noise are not to be strengthened.
FAINT, CLEAR = 1.0, 3.0
#: Levels. A kept pixel that is further off was changed, not blurred.
LARGEST_DIFFERENCE = 48.0
LEAST_PIXELS = 256

_EVERY = 8  # only each 8th row is measured; detail is everywhere

Floats = NDArray[np.float32]


def match_sharpness(sent: NDArray[np.uint8], answer: Floats, edited: NDArray[np.bool_]) -> Floats:
    """The answer, as sharp as the picture that was sent.

    Outside `edited` the amount of an unsharp mask (a 3 × 3 px binomial low-pass) is fitted by least squares to
    `sent − answer`. So it never sharpens beyond what was sent, and noise in the answer lowers the amount.

    Args:
        sent: [H, W, 3], sRGB, what the service got.
        answer: [H, W, 3], 0.0–255.0, in the colours of `sent` already.
        edited: [H, W]; true where the service was to regenerate.

    Returns:
        [H, W, 3], 0.0–255.0: `answer` itself where nothing tells that it is softer.

    Raises:
        ValueError: the arrays do not fit together.
    """
    if sent.ndim != 3 or answer.shape != sent.shape or edited.shape != sent.shape[:2]:
        raise ValueError(f"pictures of {sent.shape} and {answer.shape} and {edited.shape} do not fit together")
    if min(edited.shape) < 3:
        return answer
    amount = _amount(sent, answer, edited)
    if amount == 0:
        return answer
    padded = np.pad(answer, ((1, 1), (0, 0), (0, 0)), mode="edge")
    details = _details(padded[:-2], padded[1:-1], padded[2:])
    details *= np.float32(amount)
    details += answer
    return details


def _amount(sent: NDArray[np.uint8], answer: Floats, edited: NDArray[np.bool_]) -> float:
    """How much of its own details the answer lacks, 0.0–`LARGEST_AMOUNT`."""
    rows = slice(1, len(answer) - 1, _EVERY)
    middle = answer[rows]
    details = _details(answer[:-2:_EVERY][: len(middle)], middle, answer[2::_EVERY][: len(middle)])
    missing = sent[rows] - middle
    counted = ~edited[rows][..., None] & (details != 0) & (np.abs(missing) < LARGEST_DIFFERENCE)
    if np.count_nonzero(counted) < LEAST_PIXELS:
        return 0.0
    x, y = details[counted], missing[counted]
    amount = min(max(_product(x, y) / max(_product(x, x), 1e-9), 0.0), LARGEST_AMOUNT)
    left, before = y - np.float32(amount) * x, _product(y, y)
    return amount if before > 0 and 1 - _product(left, left) / before >= LEAST_GAIN else 0.0


def _product(x: Floats, y: Floats) -> float:
    """The scalar product of [n] and [n]. Not by `np.dot`: the order in which BLAS adds depends on the processor."""
    return float((x * y).sum(dtype=np.float64))


def _details(above: Floats, here: Floats, below: Floats) -> Floats:
    """What a 3 × 3 px binomial low-pass takes from the rows `here`; faint details count as none."""
    low = above + below
    low += here
    low += here
    padded = np.pad(low, ((0, 0), (1, 1), (0, 0)), mode="edge")
    high = padded[:, :-2] + padded[:, 2:]
    high += low
    high += low
    high *= np.float32(-1 / 16)
    high += here
    trust = np.abs(high)
    trust -= np.float32(FAINT)
    trust *= np.float32(1 / (CLEAR - FAINT))
    np.clip(trust, 0, 1, out=trust)
    high *= trust
    return high
