"""The faults on offer ("Break something"), one line each.

With its numbers, Try it, and what it has done so far.
"""

from __future__ import annotations

from PySide6.QtWidgets import QDoubleSpinBox, QFrame, QHBoxLayout, QWidget

from lab.console.state import FaultPreset
from lab.design.blocks import Button, EmptyState, Label, Panel, column, row, scroll, set_property
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tr

PARAMETER_MAX = 1_000_000.0


class FaultLine(QFrame):
    """One fault that can be put on a link."""

    def __init__(self, look: Look, lab: LabCommands, preset: FaultPreset) -> None:
        super().__init__()
        self.setObjectName(f"fault_{preset.id}")
        self.setProperty("surface", "raised")
        self._lab = lab
        self._preset = preset
        self._numbers: dict[str, QDoubleSpinBox] = {}
        box = column(look, self, SPACE_XS)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(6)) * 2)
        first = row(look)
        texts = column(look, None, 0)
        title = Label(look, "faultTitle", weight=MEDIUM).eliding()
        title.say(tr(preset.title))
        self._about = Label(
            look, "faultAbout", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True
        ).eliding()
        texts.addWidget(title)
        texts.addWidget(self._about)
        first.addLayout(texts, 1)
        self._try = Button(look, f"try_{preset.id}", tr("console.fault.try"), kind="link")
        self._try.clicked.connect(lambda: lab.try_it(preset.id))
        self._toggle = Button(look, f"toggle_{preset.id}", kind="key")
        self._toggle.clicked.connect(self._flip)
        first.addWidget(self._try)
        first.addWidget(self._toggle)
        box.addLayout(first)
        if preset.parameters:
            box.addLayout(self._editors(look))
        self.show_preset(preset)

    def _editors(self, look: Look) -> QHBoxLayout:
        line = row(look, None, SPACE_S)
        for name, value in self._preset.parameters:
            caption = Label(look, f"caption_{name}", size_px=TEXT_CAPTION_PX, tone="dim")
            caption.say(name.replace("_", " "))
            editor = QDoubleSpinBox()
            editor.setObjectName(f"{self._preset.id}_{name}")
            editor.setAccessibleName(f"{tr(self._preset.title)}: {name.replace('_', ' ')}")
            editor.setFont(look.font(TEXT_CAPTION_PX, tabular=True))
            editor.setRange(0.0, PARAMETER_MAX)
            editor.setDecimals(2 if 0 < value < 1 or name == "probability" else 0)
            editor.setKeyboardTracking(False)
            editor.setFixedWidth(look.px(64))
            editor.setValue(value)
            editor.editingFinished.connect(self._edited)
            caption.setBuddy(editor)
            self._numbers[name] = editor
            line.addWidget(caption)
            line.addWidget(editor)
        line.addStretch(1)
        return line

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
        fired = tr("console.fault.fired", count=preset.fired) if preset.on or preset.fired else ""
        parts = (preset.link, preset.effect.replace("_", " "), fired)
        self._about.say(" · ".join(part for part in parts if part), "ours" if preset.on else "dim")
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
        self._lines: dict[str, FaultLine] = {}
        self.head.addStretch(1)
        self._reset = Button(look, "resetFaults", tr("console.faults.reset"), kind="link")
        self._reset.clicked.connect(lab.reset_faults)
        self.head.addWidget(self._reset)
        holder = QWidget()
        inside = column(look, holder, SPACE_XS)
        self._rows = column(look, None, SPACE_XS)
        inside.addLayout(self._rows)
        inside.addStretch(1)
        self._area = scroll(holder, "faultScroll")
        self._empty = EmptyState(look, "faultsEmpty", tr("console.faults.empty"))
        self.body.addWidget(self._empty, 1)
        self.body.addWidget(self._area, 1)

    def show_faults(self, faults: tuple[FaultPreset, ...]) -> None:
        """Draw the presets, making a line for each that is new."""
        self._empty.setVisible(not faults)
        self._area.setVisible(bool(faults))
        self._reset.setEnabled(any(preset.on for preset in faults))
        ids = {preset.id for preset in faults}
        for gone in [fault_id for fault_id in self._lines if fault_id not in ids]:
            self._lines.pop(gone).deleteLater()
        for preset in faults:
            line = self._lines.get(preset.id)
            if line is None:
                line = FaultLine(self._look, self._lab, preset)
                self._lines[preset.id] = line
                self._rows.addWidget(line)
            else:
                line.show_preset(preset)
