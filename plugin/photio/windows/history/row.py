"""One result in the window of *History…*."""

from __future__ import annotations

from gi.repository import Gio, GLib

from bridge.common.i18n import _
from bridge.protocol.history import Entry
from windows.parts import APART, NEAR, Gtk, Pango, named

#: The longer side of a thumbnail, px.
THUMBNAIL = 80


class Row(Gtk.ListBoxRow):
    """A result's thumbnail, prompt and state. Its accessible name contains all of that text."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        self.pictured = False
        self._picture = Gtk.Image.new_from_icon_name("image-x-generic", Gtk.IconSize.DND)
        self._picture.set_size_request(THUMBNAIL, THUMBNAIL)
        named(self._picture, _("Thumbnail"))
        self._state_icon = Gtk.Image()
        self._state = Gtk.Label(xalign=0.0, wrap=True, width_chars=14, max_width_chars=14)
        self.add(self._layout())
        self._show_state()
        self.show_all()

    @property
    def key(self) -> tuple[str, int]:
        """The result's job and variation."""
        return (self.entry.id, self.entry.variation)

    def set_picture(self, file: str | None) -> None:
        """Shows the thumbnail in that file; None: there is none."""
        self.pictured = True
        if file is None:
            self._picture.set_from_icon_name("image-missing", Gtk.IconSize.DND)
            return
        self._picture.set_from_gicon(Gio.FileIcon.new(Gio.File.new_for_path(file)), Gtk.IconSize.DND)
        self._picture.set_pixel_size(THUMBNAIL)  # in px of the window: on a HiDPI screen the file's own px are used

    def update(self, entry: Entry) -> None:
        """Shows the result's new state."""
        self.entry = entry
        self._show_state()

    def _layout(self) -> Gtk.Box:
        entry = self.entry
        # not a vertical box: in GIMP's theme it has a background, which would hide the selection
        text = Gtk.Grid(row_spacing=NEAR // 2, valign=Gtk.Align.CENTER)
        bold = _text(what(entry), lines=2)
        bold.set_markup(f"<b>{GLib.markup_escape_text(what(entry))}</b>")
        text.attach(bold, 0, 0, 1, 1)
        # Translators: the name of an image, and when a result was made for it
        text.attach(_text(_("{image}, {time}").format(image=entry.image, time=when(entry)), lines=1), 0, 1, 1, 1)
        # Translators: who did it ("Photio" or "Offline"), and the seed
        text.attach(
            _text(_("{engine}, seed {seed}").format(engine=engine(entry), seed=entry.seed), lines=1), 0, 2, 1, 1
        )
        state = Gtk.Box(spacing=NEAR, valign=Gtk.Align.CENTER)
        state.add(self._state_icon)
        state.add(self._state)
        whole = Gtk.Box(spacing=APART, border_width=NEAR)
        whole.pack_start(self._picture, False, False, 0)
        whole.pack_start(text, True, True, 0)
        whole.pack_start(state, False, False, 0)
        return whole

    def _show_state(self) -> None:
        entry = self.entry
        if is_unclaimed(entry):
            self._state.set_markup(f"<b>{GLib.markup_escape_text(state(entry))}</b>")
        else:
            self._state.set_text(state(entry))
        icon = "dialog-warning" if is_unclaimed(entry) else "object-select-symbolic" if entry.inserted else None
        self._state_icon.set_from_icon_name(icon, Gtk.IconSize.MENU)
        self._state_icon.set_size_request(16, -1)
        # Translators: what a screen reader says of a result in the history
        sentence = _("{what}, for {image}, {time}, {engine}, seed {seed}, {state}").format(
            what=what(entry),
            image=entry.image,
            time=when(entry),
            engine=engine(entry),
            seed=entry.seed,
            state=state(entry),
        )
        named(self, sentence)
        named(self._state_icon, state(entry))


def is_unclaimed(entry: Entry) -> bool:
    """Whether the result was paid for and never inserted."""
    return entry.engine == "photio" and not entry.inserted


def what(entry: Entry) -> str:
    """The prompt, in one line."""
    return " ".join(entry.prompt.split()) or _("Removed")


def when(entry: Entry) -> str:
    """The date and time, in this computer's time zone and the user's language."""
    time = GLib.DateTime.new_from_unix_local(int(entry.time))
    # Translators: a date and a time as strftime has it: 23 Nov 2026, 10:45
    return str(time.format(_("%-d %b %Y, %H:%M"))) if time else ""


def engine(entry: Entry) -> str:
    """The name of the engine, for the user."""
    return _("Photio") if entry.engine == "photio" else _("Offline")


def state(entry: Entry) -> str:
    """Whether the result was inserted, for the user."""
    if entry.inserted:
        return _("Inserted")
    return _("Paid for, not inserted yet") if is_unclaimed(entry) else _("Not inserted yet")


def _text(text: str, lines: int) -> Gtk.Label:
    """A label that never widens the window. Its tooltip has the whole text."""
    label = Gtk.Label(label=text, xalign=0.0, hexpand=True, ellipsize=Pango.EllipsizeMode.END, tooltip_text=text)
    if lines > 1:
        label.set_property("wrap", True)
        label.set_property("wrap-mode", Pango.WrapMode.WORD_CHAR)
    label.set_lines(lines)
    return label
