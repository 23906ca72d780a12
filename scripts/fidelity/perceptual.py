"""Shift-tolerant LPIPS (A. Ghildyal, F. Liu, ECCV 2022), AlexNet. Sets up PyTorch for itself, once, in the cache."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gimp import rootfs

#: PyTorch, and the package that carries the network's weights. Neither is among the tests' packages: they are large.
PACKAGES = ("torch==2.13.0", "stlpips-pytorch==0.0.2")
#: What the package imports and what is never called for this network.
_UNUSED = ("IPython", "torchsummary", "torchvision")

Picture = NDArray[np.uint8]
Hole = NDArray[np.bool_]
Measure = Callable[[Picture, Picture, Hole], float]

#: px around the hole that are compared too: what joins the two is there.
AROUND = 16


def measure(notes: list[str]) -> Measure | None:
    """The distance of two pictures in the hole's box and `AROUND` px around it; less is more alike.

    None, and a note, where it cannot be set up.
    """
    try:
        _set_up()
        import torch
        from stlpips_pytorch import stlpips
    except (ImportError, rootfs.SetupError) as error:
        notes.append(f"LPIPS is NOT measured: {error}.")
        return None
    network = stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False)

    def distance(one: Picture, other: Picture, hole: Hole) -> float:
        rows, columns = (np.flatnonzero(hole.any(axis=axis)) for axis in (1, 0))
        box = tuple(slice(max(0, at[0] - AROUND), at[-1] + AROUND + 1) for at in (rows, columns))
        pair = [torch.from_numpy(np.ascontiguousarray(a[box])).permute(2, 0, 1)[None] / 127.5 - 1 for a in (one, other)]
        with torch.no_grad():
            return float(network(*pair))

    return distance


def _set_up() -> None:
    folder = rootfs.cache_directory() / f"lpips-{'-'.join(PACKAGES).replace('==', '-')}"
    if not (folder / ".complete").exists():
        print(f"Setting up {' and '.join(PACKAGES)} in {folder} (once) …", file=sys.stderr, flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:", "--target", str(folder)]
        for options in ([PACKAGES[0]], ["--no-deps", PACKAGES[1]]):
            if subprocess.run([*pip, *options], check=False).returncode:
                raise rootfs.SetupError(f"pip could not install {options[-1]}")
        (folder / ".complete").touch()
    sys.path.append(str(folder))
    for name in _UNUSED:
        if not importlib.util.find_spec(name):
            module: Any = types.ModuleType(name)
            module.embed = module.summary = module.models = None
            sys.modules[name] = module
