"""Cuts scenes to repair from real photographs, and sends them to a local service; for `fidelity.py`."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bridge.pixels import imaging
from bridge.pixels.geometry import Box, Crop, Padding, Size
from bridge.regen.client import RegenClient, RegenRequest
from fidelity.measures import blurred, high_frequency_energy, luma

#: The API's size of landscape photographs, in px.
SIZE = Size(1216, 832)
#: The repair's half axes as shares of the crop's width and height.
REPAIR = (0.16, 0.17)
#: px: how far "around" reaches for grain.
AROUND = 96
#: Inside / around of a photograph that is as grainy here as there.
EVEN = (0.85, 1.18)
#: The largest number of calm parts that are taken from a photograph.
MOST_PARTS = 8
#: Levels: the film noise that is added to some scenes.
FILM = 4.0

Picture = NDArray[np.uint8]
Distortion = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Scene:
    """A part of a photograph, in canvas px.

    Attributes:
        photograph: the file's name.
        part: which part, for people.
        pixels: uint8 [H, W, 3].
        edited: bool [H, W]; an ellipse in the middle.
        crop: how it goes to the service.
    """

    photograph: str
    part: str
    pixels: Picture
    edited: NDArray[np.bool_]
    crop: Crop


@dataclass(frozen=True)
class Exchange:
    """What went to the service and what came back, uint8 [H, W, 3] of the API's size; `edited` bool [H, W]."""

    sent: Picture
    answer: Picture
    edited: NDArray[np.bool_]


def ellipse(height: int, width: int, grown: float = 0) -> NDArray[np.bool_]:
    """The repair in a crop of that size, widened by `grown` px."""
    y, x = np.mgrid[:height, :width]
    across, down = REPAIR[0] * width + grown, REPAIR[1] * height + grown
    return np.asarray(((y - height / 2) / down) ** 2 + ((x - width / 2) / across) ** 2 < 1)


def _scene(path: Path, picture: Picture, x: int, y: int, scale: float, film: bool = False) -> Scene:
    """The part at `x`, `y` that is sent at `scale` API px per canvas px."""
    box = Box(x, y, round(SIZE.width / scale), round(SIZE.height / scale))
    pixels = np.ascontiguousarray(picture[y : box.bottom, x : box.right])
    words = f"{box.width}×{box.height}+{x}+{y}" + (" on film" if film else "")
    crop = Crop(Box(0, 0, *box.size), Padding(0, 0, 0, 0), SIZE)
    return Scene(path.stem, words, on_film(pixels) if film else pixels, ellipse(box.height, box.width), crop)


def on_film(pixels: Picture) -> Picture:
    """The picture with noise of `FILM` levels that is correlated over 2 px and, in part, between the channels."""
    noise = np.random.default_rng(1).normal(0, FILM, pixels.shape)
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))) / 2
    noise = 0.8 * noise + 0.6 * noise.mean(axis=2, keepdims=True)
    return np.asarray(np.clip(np.rint(pixels + noise), 0, 255), np.uint8)


def colour_scenes(photographs: list[Path], least: int) -> Iterator[Scene]:
    """Parts all over each photograph, the last of each scaled down; at least `least` in all."""
    places = [(0.15, 0.2, 1.0), (0.85, 0.8, 1.0), (0.5, 0.5, 0.75), (0.85, 0.2, 1.0), (0.15, 0.8, 1.0), (0.5, 0, 0.6)]
    each = max(3, -(-least // len(photographs)))
    for path in photographs:
        picture = np.asarray(Image.open(path).convert("RGB"))
        for across, down, scale in places[:each]:
            width, height = round(SIZE.width / scale), round(SIZE.height / scale)
            if picture.shape[0] >= height and picture.shape[1] >= width:
                x, y = round(across * (picture.shape[1] - width)), round(down * (picture.shape[0] - height))
                yield _scene(path, picture, x, y, scale)


def grain_scenes(photographs: list[Path], least: int) -> Iterator[Scene]:
    """The calmest parts of each photograph, where noise can be told from texture, as they are and on film.

    Parts that are grainier or calmer inside than around to begin with say nothing and are passed over.
    """
    each = max(1, -(-least // len(photographs)))
    for path in photographs:
        picture = np.asarray(Image.open(path).convert("RGB"))
        parts = ((x, y, _scene(path, picture, x, y, 1.0)) for x, y in _calmest(picture))
        even = ((x, y, scene) for x, y, scene in parts if EVEN[0] <= grain_ratio(scene.pixels, scene)[0] <= EVEN[1])
        for number, (x, y, scene) in enumerate(islice(even, each)):
            yield scene
            if number == 0:
                yield _scene(path, picture, x, y, 1.0, film=True)
                yield _scene(path, picture, x, y, 1.25, film=True)


def grain_ratio(placed: NDArray[np.uint8], scene: Scene) -> tuple[float, float]:
    """High-frequency energy inside / around a repair as it was placed, and around alone, as levels."""
    around = ellipse(*scene.edited.shape, grown=AROUND) & ~scene.edited
    inside, outside = high_frequency_energy(placed, scene.pixels, scene.edited, around)
    return inside / max(outside, 1e-9), outside**0.5


def _calmest(picture: Picture) -> list[tuple[int, int]]:
    """Corners of the parts with the least structure in their middles, no two of which overlap by much."""
    structure = np.asarray(blurred(luma(picture[::4, ::4]), 2))
    restless = np.hypot(*np.gradient(structure)) + 100 * ((structure < 12) | (structure > 243))
    step, found = 128, []
    for y in range(0, picture.shape[0] - SIZE.height + 1, step):
        for x in range(0, picture.shape[1] - SIZE.width + 1, step):
            middle = restless[y // 4 + 40 : (y + SIZE.height) // 4 - 40, x // 4 + 60 : (x + SIZE.width) // 4 - 60]
            found.append((float(middle.mean()), x, y))
    chosen: list[tuple[int, int]] = []
    for _, x, y in sorted(found):
        if all(abs(x - other) > SIZE.width / 2 or abs(y - second) > SIZE.height / 2 for other, second in chosen):
            chosen.append((x, y))
    return chosen[:MOST_PARTS]


def shifted(image: Image.Image) -> Image.Image:
    """What an autoencoder does to colours: a blur of 0.7 px, a gain of 1.05, 6 levels more."""
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    return Image.fromarray(np.clip(np.rint(soft * 1.05 + 6), 0, 255).astype(np.uint8))


def gaussian(image: Image.Image) -> Image.Image:
    """A denoiser: a Gaussian of 1.2 px."""
    return image.filter(ImageFilter.GaussianBlur(1.2))


def median(image: Image.Image) -> Image.Image:
    """A denoiser: the median of 5 × 5 px."""
    return image.filter(ImageFilter.MedianFilter(5))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Service

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        """One request of the Regen API: the base image comes back distorted, mask or not."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        image = Image.open(io.BytesIO(base64.b64decode(request["base_image"]))).convert("RGB")
        stream = io.BytesIO()
        self.server.distortion(image).save(stream, "PNG", compress_level=1)
        body = base64.b64encode(stream.getvalue()).decode()
        content = json.dumps({"status_code": 200, "body": body}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class _Service(ThreadingHTTPServer):
    distortion: Distortion


@contextmanager
def service(distortion: Distortion) -> Iterator[RegenClient]:
    """A Regen service on this computer that distorts what it is sent, and a client for it."""
    with _Service(("127.0.0.1", 0), _Handler) as server:
        server.distortion = distortion
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield RegenClient(f"http://127.0.0.1:{server.server_address[1]}")
        finally:
            server.shutdown()


def exchange(client: RegenClient, scene: Scene) -> Exchange:
    """Sends a scene as a job does."""
    base = imaging.to_service(scene.pixels, scene.crop)
    mask = imaging.mask_to_service(scene.edited, scene.crop)
    answer = client.regenerate(RegenRequest(imaging.png_of(base), imaging.png_of(mask), seed=1))
    return Exchange(base, answer.pixels[..., :3], mask == 0)


def on_canvas(answer: NDArray[np.float32], scene: Scene) -> NDArray[np.float32]:
    """An answer in canvas px."""
    whole = imaging.Answer(answer, Box(0, 0, *scene.crop.size))
    return imaging.from_service(whole, scene.crop, scene.crop.box)
