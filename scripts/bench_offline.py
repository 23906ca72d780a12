"""The offline engine's server beside the bare library call on the same input; runs under the bridge's Python.

Arguments: the folder that `bridge` is in, and how often. Prints JSON: seconds, and how many threads were used.
"""

import base64
import http.client
import io
import json
import os
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, sys.argv[1])

import numpy as np
import patchmatch
from PIL import Image

from bridge.engine import patchmatch_model
from bridge.engine.server import REGEN_PATH, EngineServer

PHOTO = Path(__file__).resolve().parent / "photos" / "extreme-desert-hike.jpg"
SIZE, HOLE = (1152, 896), (300, 240)


def inputs():
    """A photograph of 1 MP, and the hole in its middle."""
    photo = Image.open(PHOTO).convert("RGB").resize(SIZE)
    hole = np.zeros((SIZE[1], SIZE[0]), np.bool_)
    x, y = (SIZE[0] - HOLE[0]) // 2, (SIZE[1] - HOLE[1]) // 2
    hole[y : y + HOLE[1], x : x + HOLE[0]] = True
    return photo, hole


def request(photo, hole):
    """The body of a request."""
    pictures = []
    for picture in (photo, Image.fromarray(np.where(hole, 0, 255).astype(np.uint8))):
        data = io.BytesIO()
        picture.save(data, "PNG", compress_level=1)
        pictures.append(base64.b64encode(data.getvalue()).decode())
    return json.dumps({"base_image": pictures[0], "mask_image": pictures[1], "seed": 1})


def served(origin, body):
    """The answer's picture, from the engine."""
    connection = http.client.HTTPConnection(urlsplit(origin).netloc)
    connection.request("POST", REGEN_PATH, body)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return Image.open(io.BytesIO(base64.b64decode(answer["body"])))


def bare(photo, hole):
    """What the library gives."""
    patchmatch.set_random_seed(1)
    return patchmatch.inpaint(np.asarray(photo), hole, patch_size=patchmatch_model.PATCH_RADIUS)


def timed(work, *arguments):
    """Seconds, what came of it, and the threads' share: CPU seconds by seconds."""
    began, spent = time.perf_counter(), time.process_time()
    result = work(*arguments)
    seconds = time.perf_counter() - began
    return seconds, result, (time.process_time() - spent) / seconds


def main():
    """Both in turns, the same bytes."""
    photo, hole = inputs()
    body = request(photo, hole)
    found = {"server": [], "bare": [], "cores": len(os.sched_getaffinity(0))}
    with EngineServer() as engine:
        first, picture, _busy = timed(served, engine.origin, body)
        for _turn in range(int(sys.argv[2])):
            seconds, picture, busy = timed(served, engine.origin, body)
            found["server"].append(seconds)
            found["busy"] = busy
            seconds, expected, _busy = timed(bare, photo, hole)
            found["bare"].append(seconds)
    found["first"] = first
    found["same"] = bool(np.array_equal(np.asarray(picture)[hole], expected[hole]))
    found["threads"] = threading.active_count()
    print(json.dumps(found))


main()
