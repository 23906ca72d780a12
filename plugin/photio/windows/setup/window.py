"""The window that sets Photio up: says what would be fetched, shows the progress, and helps where that fails."""

from __future__ import annotations

from bridge.common import systems
from bridge.common.i18n import _
from windows import parts
from windows.parts import GLib, Gtk, Notice, Pango, named
from windows.setup import texts
from windows.setup.details import Details
from windows.setup.messages import Done, Failed, Message, Plan, Step
from windows.setup.process import SetupProcess

#: The width of texts, in characters. GTK computes the window's height for it.
_WIDE = 60


def show(parent: Gtk.Window | None = None, neural: bool = False, damaged: bool = False) -> bool:
    """Shows the window until Photio is set up, or the user closes it. Returns whether it is set up.

    Args:
        parent: the window it belongs to; None: GIMP's own.
        neural: MI-GAN is added.
        damaged: the bridge has said that one of its packages is broken.
    """
    parts.start()
    return SetupWindow(parent, neural, damaged).run()


class SetupWindow:
    """The window while it is open."""

    def __init__(self, parent: Gtk.Window | None, neural: bool, damaged: bool) -> None:
        self._adding, self._damaged = neural, damaged
        self._loop = GLib.MainLoop()
        self._process: SetupProcess | None = None  # None: it has ended
        self._attempt = 0  # its number
        self._step = ""  # what it does
        self._agreed = self._done = self._cancelling = self._closed = False
        self._notice = Notice()
        self._text = parts.paragraph(width=_WIDE)
        self._text.set_width_chars(_WIDE)  # the window would be as narrow as its buttons
        self._text.set_line_wrap_mode(Pango.WrapMode.WORD_CHAR)  # a folder can be longer than a line
        label = _("With _MI-GAN, a second engine for work offline (licence: MIT)")
        self._with_neural = Gtk.CheckButton(label=label, use_underline=True, no_show_all=True)
        named(self._with_neural, label, _("A neural model, better across large structures. Settings… adds it later."))
        self._with_neural.connect("toggled", lambda _button: parts.later(self._plan_again))
        self._bar = Gtk.ProgressBar(show_text=True, ellipsize=Pango.EllipsizeMode.END, no_show_all=True)
        self._details = Details()
        self._dialog = parts.dialog(_("Add MI-GAN") if neural else _("Set Up Photio"), "photio-setup")
        named(self._bar, _("Progress"))
        for widget in (self._notice, self._text, self._with_neural, self._bar, self._details):
            self._dialog.get_content_area().pack_start(widget, widget is self._details, True, 0)
        self._cancel = self._dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self._act = self._dialog.add_button(_("_Set Up"), Gtk.ResponseType.OK)
        self._dialog.set_alternative_button_order_from_array([Gtk.ResponseType.OK, Gtk.ResponseType.CANCEL])
        named(self._cancel, _("_Cancel"), _("Stops, and leaves nothing half-made"))
        self._dialog.set_default_response(Gtk.ResponseType.OK)
        self._dialog.connect("response", lambda _dialog, response: parts.later(lambda: self._respond(response)))
        parts.belong(self._dialog, parent)

    def run(self) -> bool:
        """Shows it until it is closed. Returns whether Photio is set up."""
        self._offer(_("_Set Up"), sensitive=False)
        self._explain(_("Looking at what is needed…"))
        self._dialog.show_all()
        parts.later(self._begin)
        self._loop.run()
        self._dialog.destroy()
        return self._done

    # --- what the user does

    def _respond(self, response: int) -> None:
        if self._done:  # without MI-GAN
            self._close()
        elif response != Gtk.ResponseType.OK:
            self._stop()
        elif self._process is None:
            self._begin()
        else:
            self._go()

    def _stop(self) -> None:
        """Cancels, and waits until what is half-made is removed. If it is pressed again, nobody waits."""
        if self._process:
            self._process.cancel()
        if self._process is None or not self._agreed or self._cancelling:
            self._close()
        else:
            self._cancelling = True
            self._say(_("Cancelling…"))

    def _begin(self) -> None:
        """Starts the process; when the user has already agreed, it goes on by itself."""
        self._notice.clear()
        self._details.clear()
        self._offer(_("_Set Up"), sensitive=False)
        self._explain(_("Looking at what is needed…"))
        self._with_neural.set_sensitive(not self._agreed)
        self._attempt = number = self._attempt + 1
        neural = self._adding or self._with_neural.get_active()
        try:
            process = SetupProcess(neural, lambda message: self._hear(message, number))
        except GLib.Error as error:
            self._fail(Failed("other", _("The set-up cannot be started: {reason}").format(reason=error.message), ""))
            return
        if self._closed:
            process.cancel()
        self._process = process

    def _plan_again(self) -> None:
        """With or without MI-GAN. After a failure, the next attempt does it."""
        if self._process and not self._agreed and not self._closed:
            self._process.cancel()
            self._begin()

    def _go(self) -> None:
        self._agreed = True
        self._with_neural.set_sensitive(False)
        self._offer(_("_Set Up"), sensitive=False)
        self._cancel.grab_focus()
        self._bar.set_fraction(0)
        self._bar.show()
        self._say(_("Starting…"))
        assert self._process
        self._process.go()

    # --- what the process says

    def _hear(self, message: Message, number: int) -> None:
        if self._closed or number != self._attempt:
            return
        if isinstance(message, Plan):
            self._explain(texts.introduction(message, self._adding, self._damaged))
            offered = not (self._adding or self._damaged) and systems.neural_is_offered()
            self._with_neural.set_visible(offered and message.reason == "missing")
            if self._agreed:
                self._go()
            else:
                self._offer(_("_Set Up"))
        elif isinstance(message, Step):
            self._advance(message)
        elif isinstance(message, Failed):
            self._fail(message)
        else:
            self._done = isinstance(message, Done)
            self._close()

    def _advance(self, step: Step) -> None:
        self._step = step.name
        self._say(texts.progress(step))
        if step.total:
            self._bar.set_fraction(min(step.done / step.total, 1.0))
        elif step.name == "check":  # all is fetched
            self._bar.set_fraction(1.0)
        else:
            self._bar.pulse()

    def _fail(self, failed: Failed) -> None:
        if self._closed:
            return
        self._process = None
        self._with_neural.set_sensitive(True)
        self._bar.hide()
        self._notice.show_text(failed.sentence, Gtk.MessageType.ERROR)
        self._notice.set_show_close_button(False)  # without its sentence, the window would say nothing
        self._details.show_text(failed.details)
        if self._step == "model" and not self._adding:  # the last step: all else is in place
            self._done = True
            self._with_neural.hide()
            self._explain(_("Photio works without it. You can add it later in Settings."))
            self._offer(_("_Go On"))
            return
        self._explain(texts.hint(failed.code))
        self._offer(_("_Try Again"))

    # --- the widgets

    def _offer(self, label: str, sensitive: bool = True) -> None:
        """The button that goes on."""
        self._act.set_label(label)
        named(self._act, label)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, sensitive)
        if sensitive:
            self._act.grab_focus()

    def _explain(self, text: str) -> None:
        self._text.set_text(text)
        self._text.set_visible(bool(text))
        self._text.set_no_show_all(not text)

    def _say(self, text: str) -> None:
        """Shows a text in the bar. GTK does not pass it to screen readers, so this does."""
        self._bar.set_text(text)
        self._bar.get_accessible().set_description(text)

    def _close(self) -> None:
        self._closed = True
        self._dialog.hide()
        self._loop.quit()
