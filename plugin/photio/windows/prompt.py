"""The prompt: a field of several lines. Arrow keys and a menu bring back recent prompts."""

from __future__ import annotations

from collections.abc import Callable

from bridge.common.i18n import _
from windows import parts
from windows.parts import Gdk, Gimp, GimpUi, Gtk

#: The number of characters of a prompt that a menu entry shows.
_SHORT = 60


#: What it says about itself, in *Regenerate…* and in *Expand…*.
REMOVED = _("What to put there, in English; leave it empty to remove what is there. Ctrl+Enter generates.")
CONTINUED = _("What to put there, in English; leave it empty to continue the picture. Ctrl+Enter generates.")


class Prompt(Gtk.Box):
    """Bound to the config's `prompt`. Up in the first line and Down in the last line go through recent prompts."""

    def __init__(self, config: Gimp.ProcedureConfig, generate: Callable[[], None], tip: str) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=parts.NEAR)
        self._generate = generate
        self._recent: tuple[str, ...] = ()
        self._at = -1  # index in `_recent`; −1: the user's own text
        self._written = ""
        self._buffer = GimpUi.prop_text_buffer_new(config, "prompt", 10_000)
        self._view = Gtk.TextView(buffer=self._buffer, wrap_mode=Gtk.WrapMode.WORD_CHAR, accepts_tab=False)
        for margin in ("left", "right", "top", "bottom"):
            self._view.set_property(f"{margin}_margin", 4)
        self._view.connect("key-press-event", self._pressed)
        self._menu_button = Gtk.MenuButton(popup=Gtk.Menu(), sensitive=False)
        self._menu_button.set_image(Gtk.Image.new_from_icon_name("document-open-recent-symbolic", Gtk.IconSize.BUTTON))
        parts.named(self._menu_button, _("Recent prompts"), _("Recent prompts"))
        self._build(tip)

    def _build(self, tip: str) -> None:
        head = Gtk.Box(spacing=parts.NEAR)
        label = Gtk.Label(label=_("_Prompt"), use_underline=True, xalign=0.0)
        label.set_mnemonic_widget(self._view)
        head.pack_start(label, True, True, 0)
        head.pack_end(self._menu_button, False, False, 0)
        parts.named(self._view, _("Prompt"), tip)
        frame = Gtk.ScrolledWindow(
            can_focus=False, shadow_type=Gtk.ShadowType.IN, hscrollbar_policy=Gtk.PolicyType.NEVER
        )
        frame.set_min_content_height(72)
        frame.add(self._view)
        self.pack_start(head, False, False, 0)
        self.pack_start(frame, True, True, 0)

    def focus(self) -> None:
        """Focuses the field."""
        self._view.grab_focus()

    def when_emptied(self, act: Callable[[], None]) -> None:
        """Calls `act` when the prompt becomes empty, and when it is so no longer."""
        before = [not self.text.strip()]

        def changed(_buffer: Gtk.TextBuffer) -> None:
            if before[0] != (not self.text.strip()):
                before[0] = not before[0]
                act()

        self._buffer.connect("changed", changed)

    @property
    def text(self) -> str:
        """The text of the field."""
        return str(self._buffer.get_property("text"))

    def offer(self, recent: tuple[str, ...]) -> None:
        """Sets the recent prompts, newest first."""
        self._recent, self._at = recent, -1
        menu = Gtk.Menu()
        for text in recent:
            words = " ".join(text.split())
            entry = Gtk.MenuItem(label=words if len(words) <= _SHORT else words[: _SHORT - 1] + "…")
            entry.connect("activate", lambda _entry, text=text: self._buffer.set_text(text))
            menu.append(entry)
        menu.show_all()
        self._menu_button.set_popup(menu)
        self._menu_button.set_sensitive(bool(recent))

    def _pressed(self, _view: Gtk.TextView, event: Gdk.EventKey) -> bool:
        held = event.state & Gtk.accelerator_get_default_mod_mask()
        if event.keyval in (Gdk.KEY_Return, Gdk.KEY_KP_Enter) and held == Gdk.ModifierType.CONTROL_MASK:
            self._generate()
            return True
        line = self._buffer.get_iter_at_mark(self._buffer.get_insert()).get_line()
        if event.keyval == Gdk.KEY_Up and not held and line == 0:
            return self._walk(1)
        if event.keyval == Gdk.KEY_Down and not held and line == self._buffer.get_line_count() - 1:
            return self._walk(-1)
        return False

    def _walk(self, step: int) -> bool:
        """Shows an older (1) or newer (−1) prompt. Returns whether there is one."""
        at = self._at + step
        if not -1 <= at < len(self._recent):
            return False
        if self._at == -1:
            self._written = self.text
        self._at = at
        self._buffer.set_text(self._written if at == -1 else self._recent[at])
        return True
