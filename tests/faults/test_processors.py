"""The same photograph, parameters, seed and answer give the same placed pixels, whatever the processor can do."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.faults.placed_jobs import JOBS, KNOWN, hashes, placed
from tests.faults.world import World

#: What a processor has to have for OpenBLAS's code for another one, as Linux names it.
NEEDED = {"OpenBLAS for Haswell": " avx2 ", "OpenBLAS for SkylakeX": " avx512f "}

#: Each row is a processor, as far as libraries can be told to behave as on it.
PROCESSORS: dict[str, dict[str, Any]] = {
    "this one": {},
    "one core": {"before": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})},
    "two threads in OpenBLAS": {"OPENBLAS_NUM_THREADS": "2"},
    "OpenBLAS for Prescott": {"OPENBLAS_CORETYPE": "Prescott"},
    "OpenBLAS for Haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "OpenBLAS for SkylakeX": {"OPENBLAS_CORETYPE": "SkylakeX"},
    "numpy without AVX2 and AVX-512": {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_SKX AVX512_ICL AVX512_SPR"},
    "mathematics without FMA": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"},
}


def _can_run(processor: str) -> bool:
    """Whether this machine's processor has the instructions of that one."""
    return NEEDED.get(processor, "") in Path("/proc/cpuinfo").read_text()


def test_every_processor_places_the_pixels_that_are_known(tmp_path: Path) -> None:
    """One bridge for each processor, and a dozen jobs in each of them."""
    known = json.loads(KNOWN.read_text())

    def differing(processor: str) -> list[str]:
        (tmp_path / processor).mkdir()
        found = hashes(tmp_path / processor, **PROCESSORS[processor])
        return [f"{processor}: {job}" for job in JOBS if found[job] != known[job]]

    with ThreadPoolExecutor(2) as pool:
        differ = [each for found in pool.map(differing, filter(_can_run, PROCESSORS)) for each in found]
    assert differ == []


def test_a_gray_photograph_gets_one_gray_channel_on_every_processor(world: World) -> None:
    """On a processor that adds in another order, the channels of a gray answer once differed in their last bits."""
    bridge = world.start(**PROCESSORS["OpenBLAS for Haswell"])
    for name in JOBS:
        if name.startswith("gray"):
            assert {file[:2] for file in placed(bridge, world.service, name)} == {b"P5"}, name
