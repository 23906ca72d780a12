"""The neural fill model, MI-GAN: continues large structures better, is softer, and sometimes invents things.

A. Sargsyan et al., "MI-GAN: A Simple Baseline for Image Inpainting on Mobile Devices", ICCV 2023. onnxruntime runs the
authors' own pipeline, `migan_pipeline_v2.onnx` (MIT). The set-up installs both.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from bridge.common.cores import usable_cores
from bridge.common.i18n import _
from bridge.engine import ModelUnavailable, models
from bridge.engine.fill import Hole, Rgb, fill_hole
from bridge.pixels.diffusion import diffuse

#: ± levels of 255. The network takes no seed, so its input gets noise as strong as a camera's: enough to change the
#: answer, too little to harm it (judged by eye on four photographs).
NOISE = 3

_load_once = threading.Lock()
_session: Any = None


def fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    """Fill `hole` by the network; interface as for `bridge.engine.fill.Fill`.

    The network sees the image for odd seeds and its mirror image for even ones. Each seed adds its own noise.

    Raises:
        ModelUnavailable: onnxruntime or the model is not installed, or the model's file is damaged.
        ValueError: the arrays do not fit together, or the hole covers everything.
    """
    _loaded()
    return fill_hole(_fill, rgb, hole, seed)


def _fill(rgb: Rgb, hole: Hole, seed: int) -> Rgb:
    # The pipeline blends the hole's old content into its answer, so remove the object first.
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
    """The inference session, created at its first use and shared by all threads."""
    global _session
    with _load_once:
        if _session is None:
            _session = _load()
        return _session


def _load() -> Any:
    path = models.find_model()
    if path is None or not models.verify(path):
        sentence = _(
            "The neural model is not on this computer or is damaged: add it in Filters > Photio > Settings, "
            "or choose PatchMatch there."
        )
        raise ModelUnavailable(sentence)
    try:
        import onnxruntime
    except ImportError as error:
        sentence = _(
            "The neural model needs onnxruntime, which is not installed: add MI-GAN in Filters > Photio > Settings, "
            "or choose PatchMatch there."
        )
        raise ModelUnavailable(sentence, str(error)) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors only: nobody reads warnings on stderr
    options.intra_op_num_threads = usable_cores()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
