"""The window of *Regenerate…*: shows what will be sent, the progress and the results, until the user closes it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from arguments import Defaults, job_of
from bridge.common.i18n import _
from bridge.protocol import Job
from canvas import generation, reading, retouching
from canvas.generation import Outcome
from canvas.reading import Capture, Refusal
from windows.job_window import JobWindow, arrange
from windows.parts import Gimp
from windows.regenerate.errors import image_closed
from windows.regenerate.parameters import AREA, SENT


class RegenerateWindow(JobWindow):
    """One window for one image."""

    KEYLESS = _(
        "There is no Photio API key, so the offline engine on this computer is used. It can only remove things. A key "
        "comes from the API Dashboard at photio.io."
    )

    def __init__(
        self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, defaults: Defaults
    ) -> None:
        super().__init__(procedure, config, image, _("Regenerate"))
        left = [self._preview, self._results, self._buttons, self._progress]
        arrange(self._dialog, self._notice, left, self._parameters)
        self._begin_with(self._preview, partial(_captured, image, config, defaults), SENT)

    def _on_parameter(self, name: str) -> None:
        if name in AREA:
            self._results.choose_none()
        super()._on_parameter(name)

    def _placeable(self, outcome: Outcome) -> Outcome:
        return replace(outcome, captured=_inserted_as(self._config, outcome.captured))


def _captured(image: Gimp.Image, config: Gimp.ProcedureConfig, defaults: Defaults) -> tuple[Capture, Job]:
    """The selection and the parameters as they are now.

    Raises:
        Refusal: there is nothing to regenerate, or no place for the result.
    """
    if not image.is_valid():
        raise Refusal(image_closed())
    layer = reading.single_layer(image, image.get_selected_drawables())
    captured, job = generation.capture(image, layer, job_of(config, layer, defaults), again=False)
    return _inserted_as(config, captured), job


def _inserted_as(config: Gimp.ProcedureConfig, captured: Capture) -> Capture:
    """The same with the result going where *Insert as* says now. Raises `Refusal` if the retouch layer takes none."""
    if config.get_property("insert-as") == "retouch" and captured.image.is_valid():
        return retouching.collecting(captured)
    return replace(captured, collects=False)
