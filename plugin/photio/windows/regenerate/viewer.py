"""The picture of *Regenerate…*, to be looked at closely with mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable

import gi

from bridge.common.i18n import _
from windows import parts
from windows.parts import Gdk, GLib, Gtk
from windows.regenerate.pointer import Pointer
from windows.regenerate.scene import Scene
from windows.regenerate.view import View

#: The least size of the picture, px.
_LEAST = (440, 220)

#: An arrow key moves the picture by this part of the pane.
_STRIDE = 0.1

_ARROWS = {Gdk.KEY_Left: (1, 0), Gdk.KEY_Right: (-1, 0), Gdk.KEY_Up: (0, 1), Gdk.KEY_Down: (0, -1)}
_LARGER = (Gdk.KEY_plus, Gdk.KEY_equal, Gdk.KEY_KP_Add)
_SMALLER = (Gdk.KEY_minus, Gdk.KEY_KP_Subtract)
_FIT = (Gdk.KEY_0, Gdk.KEY_KP_0)
_ORIGINAL = (Gdk.KEY_1, Gdk.KEY_KP_1)


class Viewer(Gtk.ScrolledWindow):
    """Shows one of several scenes of the same size. Place and zoom stay when another one is shown.

    It never scrolls as a `Gtk.ScrolledWindow` does. It is one so that the window can become smaller than the picture.

    Attributes:
        held: called with True and False when the picture is pressed and held, and released.
        zoomed: called after each change of the zoom.
    """

    def __init__(self) -> None:
        super().__init__(can_focus=False, shadow_type=Gtk.ShadowType.IN)
        self.set_policy(Gtk.PolicyType.EXTERNAL, Gtk.PolicyType.EXTERNAL)
        self.set_size_request(*_LEAST)
        self.held: Callable[[bool], object] = lambda held: None
        self.zoomed: Callable[[], object] = lambda: None
        self._view = View()
        self._scenes: list[Scene] = []  # the first one is shown
        self._loading = self._stopped = False
        self._image = Gtk.Image()
        self._pane = Gtk.EventBox(can_focus=True)
        self._pane.add(self._image)
        self.add(self._pane)
        parts.named(self._pane, _("Picture"))
        self._pane.get_accessible().set_description(_("Ctrl + and Ctrl − zoom, Ctrl+0 shows all of it, arrows move it"))
        Pointer(self, self._pane)
        self._pane.connect("key-press-event", lambda _pane, event: self._on_arrow(event))
        self._pane.connect("focus-in-event", lambda *_: self.get_style_context().add_class("photio-focus"))
        self._pane.connect("focus-out-event", lambda *_: self.get_style_context().remove_class("photio-focus"))
        self.connect("size-allocate", lambda *_: self._on_resize())

    @property
    def picture_size(self) -> tuple[int, int]:
        """The size of the largest picture that fits, in px of the screen."""
        here, scale = self.get_allocation(), self.get_scale_factor()
        width, height = max(here.width, _LEAST[0]) - 2, max(here.height, _LEAST[1]) - 2  # without its border
        return (width * scale, height * scale)

    @property
    def density(self) -> int:
        """px that are drawn per px of the window."""
        return self.get_scale_factor() if _SHARP else 1

    @property
    def view(self) -> View:
        """What is in view."""
        return self._view

    def show_scenes(self, *scenes: Scene) -> None:
        """Shows the first of the scenes; the others are loaded, too, for a quick comparison. None clears the pane."""
        self._scenes = list(scenes)
        if scenes:
            # only when it was loaded: a blurred flash between two pictures would keep the user from comparing them
            self.look(self._view.on(self._pane_size).of(scenes[0].box), at_once=False)
        else:
            self._image.clear()

    def describe(self, text: str) -> None:
        """What screen readers say of the picture."""
        parts.named(self._image, text)

    def look(self, view: View, at_once: bool = True) -> None:
        """Shows this part of the scene.

        Args:
            at_once: draws it blurred until it is loaded.
        """
        before, self._view = self._view.scale, view
        if at_once or not self._scenes[0].lacks(view):
            self._draw()
        if view.scale != before:
            self.zoomed()
        GLib.idle_add(self._complete)

    def larger(self, at: tuple[float, float] | None = None) -> None:
        """One step; `at` is the point of the pane that stays where it is."""
        self.look(self._view.stepped(True, at))

    def smaller(self, at: tuple[float, float] | None = None) -> None:
        """One step."""
        self.look(self._view.stepped(False, at))

    def fit(self) -> None:
        """Shows all of it."""
        self.look(self._view.fitted())

    def original(self, at: tuple[float, float] | None = None) -> None:
        """Shows each pixel of the image as one of the screen."""
        self.look(self._view.zoomed(1.0, at))

    def on_shortcut(self, event: Gdk.EventKey) -> bool:
        """Zooms, if that key does. Returns whether it does."""
        command = event.state & Gtk.accelerator_get_default_mod_mask() & ~Gdk.ModifierType.SHIFT_MASK
        if command != Gdk.ModifierType.CONTROL_MASK or not self._scenes:
            return False
        for keys, act in (
            (_LARGER, self.larger),
            (_SMALLER, self.smaller),
            (_FIT, self.fit),
            (_ORIGINAL, self.original),
        ):
            if event.keyval in keys:
                act()
                return True
        return False

    def stop(self) -> None:
        """Loads nothing more."""
        self._stopped = True

    @property
    def _pane_size(self) -> tuple[int, int]:
        width, height = self.picture_size
        scale = self.get_scale_factor() // self.density
        return (width // scale, height // scale)

    def _on_arrow(self, event: Gdk.EventKey) -> bool:
        way = _ARROWS.get(event.keyval)
        if way and not event.state & Gtk.accelerator_get_default_mod_mask():
            right, down = (direction * _STRIDE * side for direction, side in zip(way, self._view.pane, strict=True))
            self.look(self._view.moved(right, down))
            return True
        return False

    def _on_resize(self) -> None:
        if self._scenes and self._pane_size != self._view.pane:
            GLib.idle_add(self._fill)  # not while GTK computes sizes

    def _fill(self) -> bool:
        self.look(self._view.on(self._pane_size))
        return bool(GLib.SOURCE_REMOVE)

    def _draw(self) -> None:
        if not self._scenes:
            return
        drawn = self._scenes[0].drawn(self._view)
        if self.density > 1:
            self._image.set_from_surface(Gdk.cairo_surface_create_from_pixbuf(drawn, self.density, None))
        else:
            self._image.set_from_pixbuf(drawn)

    def _complete(self) -> bool:
        """Loads what is blurred, from the main loop. The view may change meanwhile, and then it goes on."""
        if not self._loading:
            self._loading = True
            try:
                while not self._stopped and (scene := next((s for s in self._scenes if s.lacks(self._view)), None)):
                    scene.load(self._view)
                    if scene is self._scenes[0]:
                        self._draw()
            finally:
                self._loading = False
        return bool(GLib.SOURCE_REMOVE)


def _can_draw_surfaces() -> bool:
    """Whether PyGObject was built with cairo, which sharp pictures on HiDPI screens need."""
    try:
        gi.require_foreign("cairo")
    except ImportError:
        return False
    return True


_SHARP = _can_draw_surfaces()
