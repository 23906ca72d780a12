"""The window of *Expand…*: shows the larger canvas, the progress and the results, until the user closes it."""

from __future__ import annotations

from functools import partial

from arguments import Defaults, job_of
from bridge.common.i18n import _
from bridge.protocol import Job
from canvas import expanding, reading
from canvas.edges import Edges
from canvas.reading import Capture, Refusal
from edge_arguments import NAMES, edges_of
from windows import parts
from windows.expand.canvas_box import CanvasBox
from windows.expand.edges_pane import EdgesPane
from windows.job_window import JobWindow, arrange
from windows.parts import Gimp, Gtk
from windows.regenerate.errors import image_closed
from windows.regenerate.results import Shown

#: The parameters that change the plan.
_SENT = (*NAMES, "context", "grow", "feather", "areas", "sample", "resolution", "engine")


class ExpandWindow(JobWindow):
    """One window for one image."""

    KEYLESS = _(
        "There is no Photio API key, so the offline engine on this computer is used. It continues the picture, but "
        "takes no description. A key comes from the API Dashboard at photio.io."
    )

    def __init__(
        self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, defaults: Defaults
    ) -> None:
        super().__init__(procedure, config, image, _("Expand"))
        for name, nothing in (("unit", "px"), ("ratio", "")):  # the window itself counts in px
            config.set_property(name, nothing)
        self._settling = False  # the edges are set because a result was placed
        self._canvas = CanvasBox(config, image)
        self._edges = EdgesPane(image, self._canvas.set_edges)
        self._pages = Gtk.Stack()
        for page in (self._edges, self._preview):
            page.show_all()
            self._pages.add(page)
        right = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=parts.APART)
        right.pack_start(self._canvas, False, False, 0)
        right.pack_start(self._parameters, False, False, 0)
        left = [self._pages, self._results, self._buttons, self._progress]
        arrange(self._dialog, self._notice, left, right)
        self._begin_with(self._edges, partial(_captured, image, config, defaults), _SENT)
        self._edges.viewer.show_edges(self._canvas.edges)

    def _on_parameter(self, name: str) -> None:
        if name in NAMES:
            if not self._settling:
                self._results.choose_none()
            self._edges.viewer.show_edges(self._canvas.edges)
        super()._on_parameter(name)

    def _show_plan(self) -> None:
        self._edges.viewer.forget_picture()
        self._canvas.refresh()
        self._edges.viewer.show_edges(self._canvas.edges)
        super()._show_plan()

    def _choose(self, shown: Shown | None) -> None:
        self._pages.set_visible_child(self._preview if shown else self._edges)
        super()._choose(shown)

    def _place(self, *chosen: Shown) -> None:
        """Places a result. From then on the canvas is as large as it was to become."""
        before = len(self.inserted)
        super()._place(*chosen)
        if len(self.inserted) > before:
            self._watch.ignore_changes()  # the result stays in view
            self._edges.viewer.forget_picture()
            self._settling = True
            self._canvas.set_edges(Edges())
            self._settling = False


def _captured(image: Gimp.Image, config: Gimp.ProcedureConfig, defaults: Defaults) -> tuple[Capture, Job]:
    """The new edges and the parameters as they are now.

    Raises:
        Refusal: the canvas would not become larger, or there is no place for the result.
    """
    if not image.is_valid():
        raise Refusal(image_closed())
    layer = reading.single_layer(image, image.get_selected_drawables())
    job, edges = job_of(config, layer, defaults), edges_of(config, (image.get_width(), image.get_height()))
    if edges == Edges():
        raise Refusal(_("Drag an edge of the canvas outwards, type how much to add, or choose a ratio."))
    return expanding.capture(image, layer, job.sample, edges), job
