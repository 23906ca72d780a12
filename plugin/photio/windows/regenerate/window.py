"""The window of *Regenerate…*: what will be sent, how it goes, and what came back, until the user closes it.

It is GIMP's own dialog for a procedure (reset, saved settings and last values come from there) with our content.
`GimpUi.ProcedureDialog.run` returns at *Generate*, and is run again after it: so there is one loop, and one thing is
done at a time. Waiting for the bridge keeps GTK's main loop going.
"""

from __future__ import annotations

from dataclasses import replace

from arguments import Defaults, job_of
from bridge.common.i18n import _, ngettext
from bridge.protocol import Job, Progress
from bridge.protocol.history import AskPrompts, AskUnclaimed, Picture, Prompts, Show, Unclaimed
from bridge.protocol.settings import AskSettings, SettingsReport
from bridge_process import Bridge, BridgeCancelled, BridgeError
from canvas import generation, reading
from canvas.generation import Draft, Outcome
from canvas.reading import Capture, Refusal
from windows import parts
from windows.parts import Gdk, Gimp, GimpUi, GLib, Gtk
from windows.regenerate.errors import cancelled, helps_for, image_closed
from windows.regenerate.parameters import AREA, SENT, Parameters
from windows.regenerate.preview import PreviewPane
from windows.regenerate.progress import ProgressPane
from windows.regenerate.results import InsertButtons, Results, Shown

#: Milliseconds between two looks at what is selected in GIMP, which tells nobody.
_LOOK = 400

#: The least width of the parameters, px.
_PARAMETERS = 330

_RESET = 1  # the response of `GimpUi.ProcedureDialog`'s own button


class RegenerateWindow:
    """One window for one image.

    Attributes:
        generated: whether there was any result.
        inserted: the layers that were placed.
    """

    def __init__(
        self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image, defaults: Defaults
    ) -> None:
        parts.start()
        self.generated = False
        self.inserted: list[Gimp.Layer] = []
        self._config, self._image, self._defaults = config, image, defaults
        self._bridge: Bridge | None = None
        self._draft: Draft | None = None
        self._report: SettingsReport | None = None
        self._busy = self._stale = self._running = self._cancelled = self._closed = False
        self._seen: object = None
        self._engine: str | None = None  # for the next generation alone
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Regenerate"))
        self._notice = parts.Notice()
        self._preview = PreviewPane()
        self._progress = ProgressPane(self._cancel)
        self._results = Results(self._choose, self._place)
        self._buttons = InsertButtons(self._results, self._place)
        self._parameters = Parameters(self._dialog, config, lambda: self._dialog.response(Gtk.ResponseType.OK))
        self._build()

    def run(self) -> None:
        """Shows the window, and returns when it has been closed."""
        GLib.idle_add(self._begin)
        self._parameters.prompt.focus()
        try:
            while not self._closed and self._dialog.run():
                self._generate()
        finally:
            GLib.source_remove(self._timer)
            self._progress.end()
            if self._bridge:
                self._bridge.close()
            self._dialog.destroy()

    # --- building

    def _build(self) -> None:
        self._dialog.set_ok_label(_("_Generate"))
        self._dialog.get_widget_for_response(Gtk.ResponseType.CANCEL).set_label(_("Cl_ose"))
        self._buttons.pack_start(self._preview.hold, False, False, 0)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
        left.pack_start(self._preview, True, True, 0)
        for widget in (self._results, self._buttons, self._progress):
            left.pack_start(widget, False, False, 0)
        right = Gtk.ScrolledWindow(can_focus=False, hscrollbar_policy=Gtk.PolicyType.NEVER)
        right.set_propagate_natural_width(True)
        self._parameters.set_size_request(_PARAMETERS, -1)
        right.set_overlay_scrolling(False)  # that there is more below must be seen
        right.set_hexpand(False)  # its entries would take all the width; the picture needs it more
        right.add(self._parameters)
        both = Gtk.Box(spacing=2 * parts.APART)
        both.pack_start(left, True, True, 0)
        both.pack_start(right, False, False, 0)
        area = self._dialog.get_content_area()
        area.set_spacing(parts.APART)
        area.pack_start(self._notice, False, False, 0)
        area.pack_start(both, True, True, 0)
        both.show_all()
        self._dialog.set_default_size(980, 640)
        self._dialog.connect("response", self._answered)
        self._dialog.connect("key-press-event", self._pressed)
        self._preview.connect("size-allocate", lambda *_: self._resized())
        for name in SENT:
            self._config.connect(f"notify::{name}", lambda _config, changed: self._changed(changed.name))
        self._timer = GLib.timeout_add(_LOOK, self._look)
        self._room = self._preview.room

    # --- what the user does

    def _answered(self, _dialog: Gtk.Dialog, response: int) -> None:
        """While something runs, nobody else listens: closing the window then cancels, too."""
        if self._running and response not in (Gtk.ResponseType.OK, _RESET):
            self._closed = True
            self._cancel()

    def _pressed(self, _dialog: Gtk.Dialog, event: Gdk.EventKey) -> bool:
        if event.keyval != Gdk.KEY_Escape or not self._running:
            return False
        self._cancel()  # what runs; a second Escape closes the window
        return True

    def _changed(self, name: str) -> None:
        if name in AREA:
            self._results.choose_none()
        self._refresh_soon()

    def _resized(self) -> None:
        if self._preview.room != self._room:
            self._room = self._preview.room
            self._refresh_soon()

    def _look(self) -> bool:
        """Follows what is selected in GIMP."""
        if not self._busy and self._image.is_valid() and (seen := self._selected()) != self._seen:
            self._seen = seen
            self._results.choose_none()
            self._refresh_soon()
        return True

    def _selected(self) -> object:
        layers = [layer.get_id() for layer in self._image.get_selected_drawables()]
        return (tuple(Gimp.Selection.bounds(self._image)), layers)

    def _choose(self, shown: Shown | None) -> None:
        self._buttons.follow(shown)
        if shown is None:
            self._refresh_soon()
            return
        self._parameters.seed.seen(shown.result.seed)
        layer = generation.layer_name(shown.outcome.job.prompt)
        text = _("{layer}, seed {seed}").format(layer=layer, seed=shown.result.seed)
        self._preview.show_result(shown.picture, shown.before, text)

    # --- asking the bridge

    def _ready(self) -> Bridge:
        """The bridge; another one if the last has died."""
        if self._bridge is None:
            self._bridge, self._draft = Bridge(self._show_progress, self._not_noted), None
        return self._bridge

    def _begin(self) -> bool:
        """Asks what a first look at the window should tell; True: not now, ask me again."""
        if self._busy:
            return True
        self._busy = True
        try:
            bridge = self._ready()
            self._report = bridge.ask(AskSettings(), SettingsReport)
            self._parameters.prompt.offer(bridge.ask(AskPrompts(), Prompts).texts)
            unclaimed = bridge.ask(AskUnclaimed(), Unclaimed).count
            self._greet(self._report, unclaimed)
        except BridgeError as error:
            self._trouble(error)
        finally:
            self._busy = False
        self._refresh()
        return False

    def _greet(self, report: SettingsReport, unclaimed: int) -> None:
        if unclaimed:
            text = ngettext(
                "{count} result that was paid for has never been inserted: it is in Filters > Photio > History.",
                "{count} results that were paid for have never been inserted: they are in Filters > Photio > History.",
                unclaimed,
            )
            self._notice.tell(text.format(count=unclaimed))
        elif report.key_place is None and report.preferences.origin == report.defaults.origin:
            text = _(
                "There is no Photio API key, so the offline engine on this computer is used. It can only remove "
                "things. A key comes from the API Dashboard at photio.io."
            )
            self._notice.tell(text, Gtk.MessageType.INFO, (_("Enter _Key…"), self._enter_key))

    def _refresh_soon(self) -> None:
        """Asking the bridge waits; in the midst of a key or a press, no screen reader would be heard meanwhile."""
        GLib.idle_add(self._refresh)

    def _refresh(self) -> bool:
        """Shows what would be sent now; changes that come meanwhile make it go round again."""
        self._stale = True
        if not self._busy and not self._closed:
            self._busy = True
            try:
                while self._stale:
                    self._stale = False
                    if self._results.current is None:
                        self._plan()
            finally:
                self._busy = False
        return False

    def _plan(self) -> None:
        try:
            captured, job = self._capture()
            bridge = self._ready()
            self._draft = self._draft or generation.open_draft(bridge)
            # without the prompt: whether the engine can do that is told when it is wanted
            planned = generation.plan(bridge, self._draft, captured, replace(job, prompt=""), self._preview.room)
            self._preview.show_plan(captured, planned, self._draft.folder)
        except Refusal as error:
            self._preview.clear(str(error))
        except OSError as error:  # somebody deleted the draft, perhaps
            self._draft = None
            self._preview.clear(reading.unreadable(error))
        except BridgeError as error:
            self._preview.clear(str(error))
            self._forget_dead_bridge(error)

    def _capture(self) -> tuple[Capture, Job]:
        """What is selected, and asked for, now."""
        if not self._image.is_valid():
            raise Refusal(image_closed())
        layer = reading.single_layer(self._image, self._image.get_selected_drawables())
        return generation.capture(self._image, layer, job_of(self._config, layer, self._defaults), again=False)

    def _generate(self) -> None:
        """One generation, from what is selected now to thumbnails."""
        self._notice.forget()
        self._parameters.take_over()
        self._busy, self._cancelled = True, False
        self._set_running(True)
        try:
            captured, job = self._capture()
            job, self._engine = replace(job, engine=self._engine or job.engine), None
            bridge = self._ready()
            draft = self._draft = self._draft or generation.open_draft(bridge)
            planned = generation.plan(bridge, draft, captured, job)
            generation.export(draft, captured, planned)
            if self._cancelled:  # before there was anything that the bridge could cancel
                raise BridgeCancelled(may_be_billed=False)
            self._draft = None
            outcome = generation.run(bridge, draft, captured, job)
            self._set_running(False)
            self._show(bridge, outcome, planned.remarks)
        except Refusal as error:
            self._notice.tell(str(error), Gtk.MessageType.WARNING)
        except BridgeCancelled as error:
            self._notice.tell(cancelled(error.may_be_billed))
        except BridgeError as error:
            self._trouble(error)
        except OSError as error:
            self._notice.tell(reading.unreadable(error), Gtk.MessageType.ERROR)
        finally:
            self._set_running(False)
            self._busy = False
            if self._dialog.get_focus() is None:  # it was on Cancel, which is gone
                self._parameters.prompt.focus()
        GLib.idle_add(self._refresh)

    def _show(self, bridge: Bridge, outcome: Outcome, remarks: tuple[str, ...]) -> None:
        """Adds results to the strip, and shows the first of them in place."""
        size = max(self._preview.room)

        def picture(variation: int) -> str:
            return str(outcome.draft.folder / bridge.ask(Show(outcome.draft.id, variation, size), Picture).file)

        before = picture(0)
        added = [Shown(outcome, result, picture(result.variation), before) for result in outcome.finished.results]
        for shown in added:
            self._results.add_result(shown)
        self.generated = True
        self._buttons.show()
        if self._image.is_valid():
            self._seen = self._selected()  # what was selected meanwhile is no reason to take the result away again
        self._results.choose(added[0])
        closed = [] if self._image.is_valid() else [image_closed()]
        if said := [*remarks, *outcome.finished.remarks, *closed]:
            self._notice.tell("\n".join(said), Gtk.MessageType.WARNING)
        self._parameters.prompt.offer(bridge.ask(AskPrompts(), Prompts).texts)

    def _set_running(self, running: bool) -> None:
        if running and not self._running:
            self._progress.begin(_("Exporting…"))
        elif not running:
            self._progress.end()
        self._running = running
        for response in (Gtk.ResponseType.OK, _RESET):
            self._dialog.set_response_sensitive(response, not running)

    def _show_progress(self, progress: Progress) -> None:
        if self._running:
            self._progress.update(progress)

    def _cancel(self) -> None:
        if self._running:
            self._progress.cancelling()
            self._cancelled = True
            if self._bridge:
                self._bridge.cancel()

    # --- inserting

    def _place(self, *chosen: Shown) -> None:
        """Places results of one generation; the bridge only hears of it, so this may happen while something runs."""
        try:
            variations = tuple(shown.result.variation for shown in chosen)
            self.inserted += generation.insert(self._ready(), chosen[0].outcome, variations)
            Gimp.displays_flush()
        except Refusal as error:
            self._notice.tell(str(error), Gtk.MessageType.WARNING)
        except BridgeError as error:
            self._trouble(error)
        except OSError as error:
            self._notice.tell(reading.unreadable(error), Gtk.MessageType.ERROR)
        else:
            self._results.mark_inserted(*chosen)

    # --- when something is wrong

    def _trouble(self, error: BridgeError) -> None:
        """Says it, with the button that helps."""
        self._forget_dead_bridge(error)
        actions = {
            "key": (_("Enter _Key…"), self._enter_key),
            "again": (_("_Try Again"), self._again),
            "offline": (_("_Use Offline Engine"), self._use_offline),
            "log": (_("Open _Log"), self._open_log),
        }
        removes = not self._parameters.prompt.text.strip()
        helps = [actions[name] for name in helps_for(error.code, removes)]
        self._notice.tell(str(error), Gtk.MessageType.ERROR, *helps)

    def _not_noted(self, error: BridgeError) -> None:
        """The results are in the image, whatever the history says: no button here, for this must not be paid again."""
        self._notice.tell(str(error), Gtk.MessageType.WARNING)

    def _forget_dead_bridge(self, error: BridgeError) -> None:
        if error.code == "bridge" and self._bridge:
            self._bridge.close()
            self._bridge = None

    def _enter_key(self) -> None:
        from windows.settings import window

        try:
            window.show(self._dialog)
        except BridgeError as error:
            self._trouble(error)
        self._draft = None  # a new one asks for the key anew
        GLib.timeout_add(_LOOK, self._begin)

    def _again(self) -> None:
        self._dialog.response(Gtk.ResponseType.OK)

    def _use_offline(self) -> None:
        self._engine = "offline"
        self._again()

    def _open_log(self) -> None:
        if self._report:
            try:
                parts.open_file(self._report.log_file)
            except GLib.Error:  # no program for it: then at least where it is
                self._notice.tell(_("The log is “{file}”.").format(file=self._report.log_file))
