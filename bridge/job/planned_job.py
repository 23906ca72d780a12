"""A job that was planned, and of which nothing was sent yet."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.job import fitting, preview
from bridge.job.areas import Planning
from bridge.job.backend import Backend
from bridge.job.sending import largest_upload
from bridge.pixels.geometry import Box, Size, bounds
from bridge.protocol import CropPlan, Job, Marked, Plan, Planned, Preview
from bridge.store.journal import JobFolder

_OVERLAY, _PART = "preview.pam", "preview-part.pam"


@dataclass(frozen=True)
class PlannedJob:
    """What a job will send, and who gets it; `native_limit` is in megapixels."""

    folder: JobFolder
    message: Plan
    backend: Backend
    native_limit: float
    planning: Planning

    @property
    def requests(self) -> int:
        """How many there will be."""
        return len(self.planning.crops) * self.message.job.variations

    @property
    def job(self) -> Job:
        """What was asked for, with all margins in px."""
        return self.planning.job

    def reply(self, remarks: tuple[str, ...]) -> Planned:
        """The reply to the plug-in. Writes the preview into the folder, if one was asked for."""
        crops, job = self.planning.crops, self.job
        remarks = remarks + self.planning.remarks + self.backend.remarks
        exports = tuple(
            CropPlan(fitting.base_file(at), crop.box, crop.size, crop.scale) for at, crop in enumerate(crops, 1)
        )
        upload = self.message.job.variations * sum(largest_upload(*crop.size) for crop in crops)
        shown = None
        if self.message.preview != (0, 0):
            box = bounds(crop.box for crop in crops)
            size = preview.shown_size(box, self.message.preview)
            shown = Preview(box, size, self._draw(_OVERLAY, box, size))
        backend = self.backend
        margins = (job.grow, job.feather, job.spill)
        return Planned(exports, self.requests, backend.name, backend.distant_origin, upload, remarks, shown, *margins)

    def mark(self, part: Box, size: Size) -> Marked:
        """Writes the overlay for a part of the canvas into the folder; `size` is at most `LARGEST_SHOWN`."""
        width, height = (max(1, min(side, preview.LARGEST_SHOWN)) for side in size)
        return Marked(self._draw(_PART, part, Size(width, height)))

    def _draw(self, name: str, part: Box, size: Size) -> str:
        self.folder.file(name).write_bytes(preview.overlay(self.planning, part, size))
        return name
