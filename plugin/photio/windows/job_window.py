"""What the windows have in common that make results: the progress, the results, and the errors.

Such a window is GIMP's own dialog for a procedure (reset, saved settings and last values come from there) with our
content. `GimpUi.ProcedureDialog.run` returns at *Generate*, and is run again afterwards. So there is one loop, and it
does one thing at a time. While the bridge is asked, GTK's main loop goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.common.i18n import _
from bridge.protocol import Job
from bridge.protocol.history import AskPrompts, AskUnclaimed, Prompts, Unclaimed
from bridge.protocol.settings import AskSettings, SettingsReport
from bridge_process import BridgeError
from canvas.generation import Outcome
from canvas.reading import Capture, Refusal
from windows import parts
from windows.parts import Gdk, Gimp, GimpUi, GLib, Gtk
from windows.regenerate import close_look
from windows.regenerate.errors import image_closed
from windows.regenerate.generator import Generator
from windows.regenerate.live_plan import LivePlan, Planner
from windows.regenerate.notices import Actions, Notices
from windows.regenerate.parameters import Parameters
from windows.regenerate.preview import PreviewPane
from windows.regenerate.progress import ProgressPane
from windows.regenerate.results import InsertButtons, Results, Shown
from windows.regenerate.selection_watch import INTERVAL, SelectionWatch

#: The least width of the parameters, px.
_PARAMETERS = 330

_RESET = 1  # the response of `GimpUi.ProcedureDialog`'s own button


class JobWindow:
    """One window for one image. Subclasses make the dialog's content, and call `_begin_with` before `run`.

    Attributes:
        generated: whether there was any result.
        inserted: the layers that were placed.
    """

    #: What the notice says where there is no key.
    KEYLESS = ""

    def __init__(self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, title: str) -> None:
        parts.start()
        self.generated = False
        self.inserted: list[Gimp.Layer] = []
        self._image, self._config = image, config
        self._progress = ProgressPane(self._cancel)
        self._running = self._closed = False
        self._engine: str | None = None  # for the next generation only
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        actions = Actions(self._press_generate, self._use_offline, self._enter_key)
        self._notice = Notices(actions, lambda: not self._parameters.prompt.text.strip(), self.KEYLESS)
        self._generator = Generator(self._progress.update, self._notice.show_failure, self._on_broken)
        self._preview = PreviewPane()
        self._results = Results(self._choose, self._place)
        self._buttons = InsertButtons(self._results, self._place)
        self._buttons.pack_start(self._preview.hold, False, False, 0)
        self._parameters = Parameters(self._dialog, config, self._press_generate)

    def _begin_with(self, planner: Planner, capture: Callable[[], tuple[Capture, Job]], sent: tuple[str, ...]) -> None:
        """Connects what is there now.

        Args:
            planner: shows the plan.
            capture: what would be sent now; may raise `Refusal`.
            sent: the parameters that change the plan.
        """
        self._capture = capture
        self._plan = LivePlan(
            self._generator, planner, capture, lambda: self._results.current is None, self._parameters
        )
        self._watch = SelectionWatch(self._image, lambda: self._plan.paused, self._show_plan)
        self._dialog.connect("response", self._on_response)
        self._dialog.connect("key-press-event", self._on_key)
        for name in sent:
            self._config.connect(f"notify::{name}", lambda _config, changed: self._on_parameter(changed.name))

    def run(self) -> None:
        """Shows the window until it is closed. Raises `BridgeError` if no bridge starts, or only a set-up helps."""
        try:
            self._generator.start()
            GLib.idle_add(self._begin)
            self._parameters.prompt.focus()
            while not self._closed and self._dialog.run():
                self._generate()
        finally:
            self._watch.stop()
            self._plan.stop()
            self._preview.viewer.stop()
            self._progress.end()
            self._generator.close()
            self._dialog.destroy()
        if self._generator.broken:
            raise self._generator.broken

    def _on_response(self, _dialog: Gtk.Dialog, response: int) -> None:
        """Closing the window while a job runs cancels the job. Otherwise `ProcedureDialog.run` takes the response."""
        if self._running and response not in (Gtk.ResponseType.OK, _RESET):
            self._closed = True
            self._cancel()

    def _on_key(self, _dialog: Gtk.Dialog, event: Gdk.EventKey) -> bool:
        if event.keyval != Gdk.KEY_Escape or not self._running:
            return self._preview.viewer.on_shortcut(event)
        self._cancel()  # a second Escape closes the window
        return True

    def _on_parameter(self, _name: str) -> None:
        self._plan.refresh_soon()

    def _show_plan(self) -> None:
        self._results.choose_none()
        self._plan.refresh_soon()

    def _press_generate(self) -> None:
        self._dialog.response(Gtk.ResponseType.OK)

    def _use_offline(self) -> None:
        self._engine = "offline"
        self._press_generate()

    def _enter_key(self) -> None:
        from windows.settings import window

        try:
            if window.show(self._dialog):
                self._generator.close()  # a new one has what was added
        except BridgeError as error:
            self._notice.show_error(error)
        self._generator.drop_draft()  # a new one reads the new settings
        GLib.timeout_add(INTERVAL, self._begin)

    def _begin(self) -> bool:
        """Asks what the window shows at its start. True: GLib calls it again later."""
        if self._plan.paused:
            return True
        self._plan.paused = True
        try:
            self._notice.report = report = self._generator.ask(AskSettings(with_keyring=False), SettingsReport)
            self._offer_prompts()
            self._notice.greet(report, self._generator.ask(AskUnclaimed(), Unclaimed).count)
        except BridgeError as error:
            self._notice.show_error(error)
        finally:
            self._plan.paused = False
        self._plan.refresh_soon()
        return False

    def _offer_prompts(self) -> None:
        self._parameters.prompt.offer(self._generator.ask(AskPrompts(), Prompts).texts)

    def _generate(self) -> None:
        """One generation, from the present selection to thumbnails."""
        self._notice.clear()
        self._parameters.take_over()
        self._plan.paused = True
        self._set_running(True)
        try:
            captured, job = self._capture()
            job, self._engine = replace(job, engine=self._engine or job.engine), None
            outcome, remarks = self._generator.run(captured, job)
            self._set_running(False)
            self._show(outcome, remarks)
        except (Refusal, BridgeError, OSError) as error:
            self._notice.show_error(error)
        finally:
            self._set_running(False)
            self._plan.paused = False
            if self._dialog.get_focus() is None:  # the Cancel button had it, and is hidden now
                self._parameters.prompt.focus()
        self._plan.refresh_soon()

    def _set_running(self, running: bool) -> None:
        if running and not self._running:
            self._progress.begin(_("Exporting…"))
        elif not running:
            self._progress.end()
        self._running = running
        for response in (Gtk.ResponseType.OK, _RESET):
            self._dialog.set_response_sensitive(response, not running)

    def _cancel(self) -> None:
        if self._running:
            self._progress.cancelling()
            self._generator.cancel()

    def _on_broken(self) -> None:
        """Closes the window: who opened it sets Photio up, and opens it again."""
        self._closed = True
        self._dialog.response(Gtk.ResponseType.CANCEL)

    def _show(self, outcome: Outcome, remarks: tuple[str, ...]) -> None:
        """Adds results to the strip, and shows the first of them in place."""
        added = close_look.results_of(outcome, self._generator, max(self._preview.viewer.picture_size))
        for shown in added:
            self._results.add_result(shown)
        self.generated = True
        self._buttons.show()
        self._watch.ignore_changes()  # or the plan would replace the result at once
        self._results.choose(added[0])
        if sentences := [*remarks, *outcome.finished.remarks, *([] if self._image.is_valid() else [image_closed()])]:
            self._notice.show_text("\n".join(sentences), Gtk.MessageType.WARNING)
        self._offer_prompts()

    def _choose(self, shown: Shown | None) -> None:
        self._buttons.follow(shown)
        if shown is None:
            self._plan.refresh_soon()
            return
        self._parameters.seed.seen(shown.result.seed)
        text = _("{layer}, seed {seed}").format(layer=shown.outcome.name, seed=shown.result.seed)
        self._preview.show_result(*close_look.scenes(shown, self._generator, self._notice.show_error), text)

    def _place(self, *chosen: Shown) -> None:
        """Places results of one generation. This asks nothing of the bridge, so a job may be running meanwhile."""
        try:
            variations, outcome = tuple(shown.result.variation for shown in chosen), chosen[0].outcome
            self.inserted += self._generator.insert(self._placeable(outcome), variations)
            Gimp.displays_flush()
        except (Refusal, BridgeError, OSError) as error:
            self._notice.show_error(error)
        else:
            self._results.mark_inserted(*chosen)

    def _placeable(self, outcome: Outcome) -> Outcome:
        """The same with its place as the parameters say now. May raise `Refusal`."""
        return outcome


def arrange(dialog: GimpUi.ProcedureDialog, notice: Gtk.Widget, left: list[Gtk.Widget], parameters: Gtk.Widget) -> None:
    """Fills the dialog: the notice at the top, `left` in a column (the first grows), the parameters on the right."""
    dialog.set_ok_label(_("_Generate"))
    dialog.get_widget_for_response(Gtk.ResponseType.CANCEL).set_label(_("Cl_ose"))
    column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
    for widget in left:
        column.pack_start(widget, widget is left[0], True, 0)
    right = Gtk.ScrolledWindow(can_focus=False, hscrollbar_policy=Gtk.PolicyType.NEVER)
    right.set_propagate_natural_width(True)
    parameters.set_size_request(_PARAMETERS, -1)
    right.set_overlay_scrolling(False)  # the scroll bar shows that there is more below
    right.set_hexpand(False)  # its entries would take all the width, which the picture needs
    right.add(parameters)
    both = Gtk.Box(spacing=2 * parts.APART)
    both.pack_start(column, True, True, 0)
    both.pack_start(right, False, False, 0)
    area = dialog.get_content_area()
    area.set_spacing(parts.APART)
    area.pack_start(notice, False, False, 0)
    area.pack_start(both, True, True, 0)
    both.show_all()
    dialog.set_default_size(980, 640)
