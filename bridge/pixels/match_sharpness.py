"""Undoes the slight blur of a service's autoencoder, as far as it shows in what the service should have kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: The most that details are strengthened. 2.0 undoes a Gaussian of 0.7 px; more would cause ringing.
LARGEST_AMOUNT = 2.0
#: Sharpening must remove at least this share of the squared difference between what was sent and what came back:
#: blur is not the only thing that changes details.
LEAST_GAIN = 0.3
#: Levels. Details below the first are left alone, and above the second they count fully: the steps of an 8-bit
#: gradient and faint noise are not to be strengthened.
FAINT, CLEAR = 1.0, 3.0
#: Levels. A pixel that differs by more was changed, not blurred.
LARGEST_DIFFERENCE = 48.0
#: Fewer px with detail than these are no measurement.
LEAST_PIXELS = 256

_EVERY = 8  # measures every 8th row only, because detail is everywhere

Floats = NDArray[np.float32]


def match_sharpness(sent: NDArray[np.uint8], answer: Floats, edited: NDArray[np.bool_]) -> Floats:
    """The answer, as sharp as the picture that was sent.

    Sharpens with an unsharp mask (a 3 × 3 px binomial low-pass). Least squares fit its amount to `sent − answer`
    outside `edited`. So the result is never sharper than what was sent, and noise in the answer lowers the amount.

    Args:
        sent: [H, W, 3], sRGB, 0–255: what the service got.
        answer: [H, W, 3], 0.0–255.0, in the colours of `sent` already.
        edited: [H, W]; true where the service was to regenerate.

    Returns:
        float32 [H, W, 3], 0.0–255.0; `answer` itself when it is not measurably softer.

    Raises:
        ValueError: the arrays do not fit together.
    """
    if sent.ndim != 3 or answer.shape != sent.shape or edited.shape != sent.shape[:2]:
        raise ValueError(f"pictures of {sent.shape} and {answer.shape} and {edited.shape} do not fit together")
    amount = _amount(sent, answer, edited) if min(edited.shape) >= 3 else 0.0
    if amount == 0:
        return answer
    padded = np.pad(answer, ((1, 1), (0, 0), (0, 0)), mode="edge")
    return np.asarray(_details(padded[:-2], padded[1:-1], padded[2:]) * np.float32(amount) + answer)


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
    """The scalar product of [n] and [n]. Not `np.dot`: BLAS adds in an order that depends on the processor."""
    return float((x * y).sum(dtype=np.float64))


def _details(above: Floats, here: Floats, below: Floats) -> Floats:
    """What a 3 × 3 px binomial low-pass removes from the rows `here`; faint details are reduced to 0."""
    low = above + below + here + here
    padded = np.pad(low, ((0, 0), (1, 1), (0, 0)), mode="edge")
    high = (padded[:, :-2] + padded[:, 2:] + low + low) * np.float32(-1 / 16) + here
    trust = (np.abs(high) - np.float32(FAINT)) * np.float32(1 / (CLEAR - FAINT))
    return high * np.clip(trust, 0, 1)
