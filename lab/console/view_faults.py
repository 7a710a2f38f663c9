"""The faults on offer ("Break something"), one line each.

With its numbers, what it has done so far, Try it, and Break or Mend.
"""

from __future__ import annotations

from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QWidget

from lab.console.state import FaultPreset
from lab.design.blocks import Button, EmptyState, Label, Panel, column, row, scroll, set_property
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import ENGLISH, tr

PARAMETER_MAX = 1_000_000.0
LINE_SPACE_PX = 3
EDITOR_PX = 72


def fault_title(preset: FaultPreset) -> str:
    """A fault's name; the flow gives a words key or, with the network in it, the words."""
    return tr(preset.title) if preset.title in ENGLISH else preset.title


class FaultLine(QFrame):
    """One fault that can be put on a link."""

    def __init__(self, look: Look, lab: LabCommands, preset: FaultPreset) -> None:
        super().__init__()
        self.setObjectName(f"fault_{preset.id}")
        self.setProperty("surface", "raised")
        self._lab = lab
        self._preset = preset
        self._numbers: dict[str, QDoubleSpinBox] = {}
        line = row(look, self, SPACE_XS)
        line.setContentsMargins(look.px(SPACE_S), look.px(1), look.px(SPACE_XS), look.px(1))
        self._title = Label(look, "faultTitle", weight=MEDIUM).eliding()
        line.addWidget(self._title, 1)
        self._fired = Label(look, "faultFired", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True)
        line.addWidget(self._fired)
        for name, value in preset.parameters:
            editor = self._editor(look, name, value)
            self._numbers[name] = editor
            line.addWidget(editor)
        self._try = Button(
            look,
            f"try_{preset.id}",
            tr("console.fault.try"),
            kind="link",
            size_px=TEXT_CAPTION_PX,
        )
        self._try.clicked.connect(lambda: lab.try_it(preset.id))
        self._toggle = Button(look, f"toggle_{preset.id}", kind="key", size_px=TEXT_CAPTION_PX)
        self._toggle.setFixedWidth(look.px(56))
        self._toggle.clicked.connect(self._flip)
        line.addWidget(self._try)
        line.addWidget(self._toggle)
        self.show_preset(preset)

    def _editor(self, look: Look, name: str, value: float) -> QDoubleSpinBox:
        editor = QDoubleSpinBox()
        editor.setObjectName(f"{self._preset.id}_{name}")
        plain = name.replace("_", " ")
        key = f"console.parameter.{name}"
        before, _, after = (tr(key) if key in ENGLISH else f"{plain} #").partition("#")
        editor.setPrefix(before)
        editor.setSuffix(after)
        editor.setAccessibleName(f"{fault_title(self._preset)}: {plain}")
        editor.setToolTip(plain)
        editor.setFont(look.font(TEXT_CAPTION_PX, tabular=True))
        editor.setRange(0.0, PARAMETER_MAX)
        editor.setDecimals(2 if 0 < value < 1 or name == "probability" else 0)
        editor.setKeyboardTracking(False)
        editor.setFixedWidth(look.px(EDITOR_PX))
        editor.setValue(value)
        editor.editingFinished.connect(self._edited)
        return editor

    def _parameters(self) -> dict[str, float]:
        return {name: editor.value() for name, editor in self._numbers.items()}

    def _flip(self) -> None:
        self._lab.set_fault(self._preset.id, not self._preset.on, self._parameters())

    def _edited(self) -> None:
        if self._preset.on and self._parameters() != dict(self._preset.parameters):
            self._lab.set_fault(self._preset.id, True, self._parameters())

    def show_preset(self, preset: FaultPreset) -> None:
        """Draw `preset`; numbers that are being edited stay as they are."""
        fresh = preset.parameters != self._preset.parameters
        self._preset = preset
        set_property(self, "surface", "ours" if preset.on else "raised")
        self._title.say(fault_title(preset))
        self.setToolTip(f"{preset.link} · {preset.effect.replace('_', ' ')}")
        fired = tr("console.fault.fired", count=preset.fired) if preset.on or preset.fired else ""
        self._fired.say(fired, "ours" if preset.on else "dim")
        self._fired.setVisible(bool(fired))
        self._toggle.say(tr("console.fault.mend" if preset.on else "console.fault.break"))
        if fresh:
            for name, value in preset.parameters:
                if name in self._numbers and not self._numbers[name].hasFocus():
                    self._numbers[name].setValue(value)


class FaultPanel(Panel):
    """All faults on offer."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__(look, "faults", tr("console.faults.title"))
        self._look = look
        self._lab = lab
        self._shown: tuple[FaultPreset, ...] | None = None
        self._lines: dict[str, FaultLine] = {}
        self.head.addStretch(1)
        self._reset = Button(look, "resetFaults", tr("console.faults.reset"), kind="link")
        self._reset.clicked.connect(lab.reset_faults)
        self.head.addWidget(self._reset)
        holder = QWidget()
        inside = column(look, holder, 0)
        self._rows = column(look, None, LINE_SPACE_PX)
        inside.addLayout(self._rows)
        inside.addStretch(1)
        self._area = scroll(holder, "faultScroll")
        self._empty = EmptyState(look, "faultsEmpty", tr("console.faults.empty"))
        self.body.addWidget(self._empty, 1)
        self.body.addWidget(self._area, 1)

    def show_faults(self, faults: tuple[FaultPreset, ...]) -> None:
        """Draw the presets, making a line for each that is new."""
        if faults == self._shown:
            return
        self._shown = faults
        self._empty.setVisible(not faults)
        self._area.setVisible(bool(faults))
        self._reset.setEnabled(any(preset.on for preset in faults))
        ids = {preset.id for preset in faults}
        for gone in [fault_id for fault_id in self._lines if fault_id not in ids]:
            line = self._lines.pop(gone)
            line.hide()
            line.deleteLater()
        for preset in faults:
            known = self._lines.get(preset.id)
            if known is None:
                known = FaultLine(self._look, self._lab, preset)
                self._lines[preset.id] = known
                self._rows.addWidget(known)
            else:
                known.show_preset(preset)
