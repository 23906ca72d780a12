"""How a layer was made, as recorded in the image (docs/provenance.md); contains no key and no user name."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict

from bridge import __version__
from bridge.pixels.geometry import Crop
from bridge.protocol import Job

FORMAT = 1

#: These are recorded as they really were, and not as they were asked for.
_LEFT_OUT = ("engine", "seed")


def provenance(job: Job, job_id: str, variation: int, seed: int, engine: str, crops: Sequence[Crop]) -> str:
    """The JSON text for the layer of one variation.

    Args:
        variation: from 1.
        seed: the one really used.
        engine: the one really used, "photio" or "offline".
    """
    asked = {name: value for name, value in asdict(job).items() if name not in _LEFT_OUT}
    return json.dumps(  # in ASCII: PyGObject refuses a parasite with other bytes
        {
            "format": FORMAT,
            "plugin": __version__,
            "job": job_id,
            "variation": variation,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "engine": engine,
            "seed": seed,
            **asked,
            "crops": [{"box": crop.box, "padding": crop.padding, "size": crop.size} for crop in crops],
        }
    )
