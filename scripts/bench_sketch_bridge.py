"""The second process of `bench_sketch.py`: pixels in on stdin, a PNG to the service, pixels out on stdout."""

import base64
import http.client
import io
import json
import sys
from urllib.parse import urlsplit

from PIL import Image

PATH = "/v1/inference/regen"


def main():
    """Serves until stdin ends."""
    while line := sys.stdin.buffer.readline():
        task = json.loads(line)
        crop, box = task["crop"], task["box"]  # a plan costs nothing; asking for it does
        _say(json.dumps({"crop": crop, "box": box}).encode() + b"\n")
        width, height = crop[2:]
        base = Image.frombytes("RGB", (width, height), sys.stdin.buffer.read(3 * width * height))
        coverage = Image.frombytes("L", (width, height), sys.stdin.buffer.read(width * height))
        mask = coverage.point(lambda value: 0 if value else 255)
        answer = _answer(task["origin"], _scaled(base, task["size"]), _scaled(mask, task["size"]))
        left, top = box[0] - crop[0], box[1] - crop[1]
        inner = (left, top, left + box[2], top + box[3])
        _say(_scaled(answer, (width, height)).crop(inner).tobytes() + coverage.crop(inner).tobytes())


def _scaled(picture, size):
    return picture if picture.size == tuple(size) else picture.resize(size)


def _answer(origin, base, mask):
    document = {"prompt": "", "seed": 1, "base_image": _encoded(base), "mask_image": _encoded(mask)}
    connection = http.client.HTTPConnection(urlsplit(origin).netloc)
    connection.request("POST", PATH, json.dumps(document))
    body = json.loads(connection.getresponse().read())["body"]
    connection.close()
    return Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB")


def _encoded(picture):
    png = io.BytesIO()
    picture.save(png, "PNG", compress_level=1)
    return base64.b64encode(png.getvalue()).decode()


def _say(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
