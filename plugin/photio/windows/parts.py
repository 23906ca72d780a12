"""What the windows share: GTK itself, rows with labels, notices, and functions that open files and pages.

Every widget gets an accessible name, and every label the mnemonic of its widget.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gi

from bridge.common.i18n import _

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, GdkPixbuf, Gimp, GimpUi, Gio, GLib, GObject, Gtk, Pango  # noqa: E402

#: The distances that GIMP and GNOME use, px: between rows, between groups, and around a window's content.
NEAR, APART, BORDER = 6, 12, 12


#: What GIMP's themes leave hard to see: the selected row of a list is lighter than the others in one, darker in
#: another, and a picture does not show that it has the focus. Only the text's colour is known to stand out everywhere.
_STYLE = b"""
list.photio-rows row { background: none; }
list.photio-rows row:hover { background-color: alpha(currentColor, 0.06); }
list.photio-rows row:selected {
    background-color: alpha(currentColor, 0.2);
    box-shadow: inset 5px 0 alpha(currentColor, 0.8);
}
scrolledwindow.photio-focus { border-color: currentColor; }
"""


def start() -> None:
    """Makes GTK look like GIMP: its theme, its icons, its language."""
    GimpUi.init("photio")
    style = Gtk.CssProvider()
    style.load_from_data(_STYLE)
    above_gimp = Gtk.STYLE_PROVIDER_PRIORITY_USER + 1
    Gtk.StyleContext.add_provider_for_screen(Gdk.Screen.get_default(), style, above_gimp)


def dialog(title: str, role: str) -> GimpUi.Dialog:
    """An empty window that looks like GIMP's own. Window managers recognise it by `role`."""
    header = Gtk.Settings.get_default().get_property("gtk-dialogs-use-header")
    made = GimpUi.Dialog(title=title, role=role, use_header_bar=int(header))
    made.get_content_area().set_spacing(APART)
    made.get_content_area().set_border_width(BORDER)
    return made


def belong(window: Gtk.Window, parent: Gtk.Window | None) -> None:
    """Keeps a window in front of its parent, which cannot be used meanwhile. None: of GIMP's own, which can."""
    if parent:
        window.set_transient_for(parent)
        window.set_modal(True)
    else:
        GimpUi.window_set_transient(window)


def named(widget: Gtk.Widget, name: str, tip: str = "") -> Gtk.Widget:
    """The widget, with a name for screen readers, and a tooltip that they read as its description."""
    accessible = widget.get_accessible()
    accessible.set_name(name.replace("_", "", 1))
    if tip:
        widget.set_tooltip_text(tip)
        accessible.set_description(tip)
    return widget


def row(grid: Gtk.Grid, number: int, label: str, widget: Gtk.Widget, tip: str = "") -> Gtk.Label:
    """Puts a label (with a mnemonic) and its widget into a row of a two-column grid."""
    text = Gtk.Label(label=label, use_underline=True, xalign=0.0)
    text.set_mnemonic_widget(widget)
    widget.set_hexpand(True)
    named(widget, text.get_text(), tip)
    grid.attach(text, 0, number, 1, 1)
    grid.attach(widget, 1, number, 1, 1)
    return text


def grid() -> Gtk.Grid:
    """An empty grid with GIMP's distances."""
    return Gtk.Grid(row_spacing=NEAR, column_spacing=APART)


def paragraph(text: str = "", small: bool = False, width: int = 40) -> Gtk.Label:
    """Text of several lines that can be selected with mouse and keyboard, and never widens its window."""
    label = Gtk.Label(label=text, wrap=True, xalign=0.0, selectable=True, max_width_chars=width)
    label.set_can_focus(False)  # the Tab key would stop there for nothing
    if small:
        label.get_style_context().add_class("small")
    return label


def later(act: Callable[[], object]) -> None:
    """Calls a function from the main loop instead of from within a signal handler.

    A screen reader presses a button with a D-Bus message, which is handled until the signal handlers return. If one of
    them runs a main loop (a dialog, or a question to the bridge), the next key that is reported to the screen reader
    waits for ever in `dbus_connection_dispatch`, and the window hangs.
    """

    def once() -> bool:
        act()
        return bool(GLib.SOURCE_REMOVE)

    GLib.idle_add(once, priority=GLib.PRIORITY_DEFAULT)


def button(label: str, pressed: Callable[[], object], tip: str = "") -> Gtk.Button:
    """A button with a mnemonic."""
    made = Gtk.Button(label=label, use_underline=True)
    named(made, label, tip)
    made.connect("clicked", lambda _button: later(pressed))
    return made


def icon_button(icon: str, name: str, pressed: Callable[[], None]) -> Gtk.Button:
    """A button with only an icon. Its name is also its tooltip."""
    made = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
    named(made, name, name)
    made.connect("clicked", lambda _button: later(pressed))
    return made


_ICONS = {
    Gtk.MessageType.INFO: "dialog-information",
    Gtk.MessageType.WARNING: "dialog-warning",
    Gtk.MessageType.ERROR: "dialog-error",
}


class Notice(Gtk.InfoBar):
    """A sentence about an error or other news, with buttons. Hidden until `show_text`."""

    def __init__(self) -> None:
        super().__init__(no_show_all=True)
        self._label = paragraph()
        self._label.set_hexpand(True)
        self._icon = Gtk.Image(valign=Gtk.Align.START)
        for widget in (self._icon, self._label):
            widget.show()
            self.get_content_area().add(widget)
        self._actions: dict[int, Callable[[], None]] = {}
        self.connect("response", self._respond)
        self.forall(_name_close_button)
        named(self, "")

    def show_text(
        self, text: str, kind: Gtk.MessageType = Gtk.MessageType.INFO, *actions: tuple[str, Callable[[], None]]
    ) -> None:
        """Shows a text, and a button for each action (label, function). Pressing a button also hides the notice."""
        self.clear()
        self.set_message_type(kind)
        self._icon.set_from_icon_name(_ICONS[kind], Gtk.IconSize.LARGE_TOOLBAR)
        self.set_show_close_button(not actions)
        self._label.set_text(text)
        named(self, text)
        for number, (label, act) in enumerate(actions):
            self._actions[number] = act
            named(self.add_button(label, number), label)
        self.show()

    def clear(self) -> None:
        """Hides it."""
        self.hide()
        self._actions.clear()
        for old in self.get_action_area().get_children():
            old.destroy()

    @property
    def text(self) -> str:
        """The text; empty when it is hidden."""
        return str(self._label.get_text()) if self.get_visible() else ""

    def _respond(self, _bar: Gtk.InfoBar, number: int) -> None:
        act = self._actions.get(number)
        self.clear()
        if act:
            later(act)


def _name_close_button(widget: Gtk.Widget) -> None:
    """GTK's own close button has only an icon: screen readers need a name."""
    if isinstance(widget, Gtk.Button):
        named(widget, _("Dismiss"))
    elif isinstance(widget, Gtk.Container):
        widget.forall(_name_close_button)


def copy(text: str) -> None:
    """Puts a text into the clipboard."""
    clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
    clipboard.set_text(text, -1)
    clipboard.store()  # this process may have ended when it is pasted


def open_file(path: str) -> None:
    """Opens a file with the program that the desktop has for it.

    Raises:
        GLib.Error: there is none.
    """
    open_uri(Path(path).as_uri())


def open_uri(uri: str) -> None:
    """Opens a page with the web browser, or whatever the desktop has for such an address.

    Raises:
        GLib.Error: there is none.
    """
    Gio.AppInfo.launch_default_for_uri(uri, None)


def reveal(path: str) -> None:
    """Shows a file in the file manager, or opens its folder if the file manager cannot show single files.

    Raises:
        GLib.Error: there is no file manager.
    """
    try:
        Gio.bus_get_sync(Gio.BusType.SESSION).call_sync(
            "org.freedesktop.FileManager1",
            "/org/freedesktop/FileManager1",
            "org.freedesktop.FileManager1",
            "ShowItems",
            GLib.Variant("(ass)", ([Path(path).as_uri()], "")),
            None,
            Gio.DBusCallFlags.NONE,
            3000,
            None,
        )
    except GLib.Error:
        open_file(str(Path(path).parent))


__all__ = [
    "APART",
    "BORDER",
    "NEAR",
    "GLib",
    "GObject",
    "Gdk",
    "GdkPixbuf",
    "Gimp",
    "GimpUi",
    "Gtk",
    "Notice",
    "Pango",
    "belong",
    "button",
    "copy",
    "dialog",
    "grid",
    "icon_button",
    "named",
    "open_file",
    "open_uri",
    "paragraph",
    "reveal",
    "row",
    "start",
]
