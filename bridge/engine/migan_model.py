"""The neural fill model: MI-GAN, better across large structure, softer, and sometimes inventive.

A. Sargsyan et al., "MI-GAN: A Simple Baseline for Image Inpainting on Mobile Devices", ICCV 2023: the
authors' own pipeline, `migan_pipeline_v2.onnx` (MIT), run by onnxruntime; `install.py --neural` brings both.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from bridge.common.cores import usable_cores
from bridge.common.i18n import _
from bridge.engine import models
from bridge.engine.errors import ModelUnavailable
from bridge.engine.fill import Hole, Rgb, fill_hole
from bridge.pixels.diffusion import diffuse

#: 0–255 levels, either way. The network has no seed of its own, so the surroundings that it sees get noise of
#: a camera's strength: enough for another answer, too little to harm one (looked at on four photographs).
NOISE = 3

_load_once = threading.Lock()
_session: Any = None


def fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """Fills `hole` with what the network imagines; contract as for `bridge.engine.fill.Fill`.

    Odd and even seeds let it see the picture and its mirror image, every seed adds noise of its own.

    Raises:
        ModelUnavailable: onnxruntime or the model is not here, or the model's file is damaged.
        ValueError: the arrays do not fit together, or the hole is everything.
    """
    _loaded()
    return fill_hole(_fill, rgb, hole, seed)


def _fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    # The pipeline blends the hole's old content into the answer, so the object has to be gone before.
    seen = diffuse(rgb, hole).astype(np.int16)
    seen += np.random.default_rng(seed).integers(-NOISE, NOISE + 1, seen.shape, np.int16)
    step = -1 if seed % 2 == 0 else 1
    image = np.clip(seen, 0, 255).astype(np.uint8)[:, ::step].transpose(2, 0, 1)[None]
    keep = np.where(hole, 0, 255).astype(np.uint8)[:, ::step][None, None]
    inputs = {"image": np.ascontiguousarray(image), "mask": np.ascontiguousarray(keep)}
    answer = _loaded().run(["result"], inputs)[0]
    filled: Rgb = answer[0].transpose(1, 2, 0)[:, ::step]
    return filled


def _loaded() -> Any:
    """The process's one inference session, made at its first use."""
    global _session
    with _load_once:
        if _session is None:
            _session = _load()
        return _session


def _load() -> Any:
    path = models.find_model()
    if path is None or not models.verify(path):
        raise ModelUnavailable(
            _(
                "The neural model is not on this computer or is damaged; run install.py --neural, "
                "or choose the PatchMatch model."
            )
        )
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelUnavailable(
            _(
                "The neural model needs onnxruntime, which is not installed; run install.py --neural, "
                "or choose the PatchMatch model."
            ),
            str(error),
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # its warnings go to stderr and help nobody
    options.intra_op_num_threads = usable_cores()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
