"""The faults on offer ("Break something"), one line each, in three groups.

With its numbers, what it has done so far, Try it, and Break or Mend; what is on goes to a file and
comes from one.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QWidget,
)

from lab.console.presets import ANY_APDU, CARD, LINES, NETWORK
from lab.console.state import FaultPreset
from lab.design.blocks import Button, EmptyState, Label, Panel, column, row, scroll, set_property
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import ENGLISH, tr
from lab.words.flow_words import NETWORK_NAMES

PARAMETER_MAX = 1_000_000.0
APDU_MAX = 1_000.0
GROUPS = (NETWORK, CARD, LINES)
LINE_SPACE_PX = 2
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
        line.setContentsMargins(look.px(SPACE_S), 0, look.px(SPACE_XS), 0)
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
        editor.setRange(0.0, APDU_MAX if name == "at_apdu" else PARAMETER_MAX)
        if name == "at_apdu":
            editor.setSpecialValueText(tr("console.parameter.any_apdu"))
            assert editor.minimum() == ANY_APDU, "the special text stands for the smallest value"
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
        self._group = NETWORK
        self.head.addStretch(1)
        self._fill_head(look, lab)
        self._tabs = QButtonGroup(self)
        self.body.addLayout(self._tab_row(look))
        holder = QWidget()
        inside = column(look, holder, 0)
        self._rows = column(look, None, LINE_SPACE_PX)
        inside.addLayout(self._rows)
        inside.addStretch(1)
        self._area = scroll(holder, "faultScroll")
        self._empty = EmptyState(look, "faultsEmpty", tr("console.faults.empty"))
        self.body.addWidget(self._empty, 1)
        self.body.addWidget(self._area, 1)

    def _fill_head(self, look: Look, lab: LabCommands) -> None:
        """To a file, from a file, and everything off."""
        self._export = Button(look, "exportFaults", kind="quiet", icon_name="download").named(
            tr("console.faults.export")
        )
        self._export.clicked.connect(self._ask_where)
        read = Button(look, "importFaults", kind="quiet", icon_name="upload").named(
            tr("console.faults.import")
        )
        read.clicked.connect(self._ask_which)
        self._reset = Button(look, "resetFaults", tr("console.faults.reset"), kind="link")
        self._reset.clicked.connect(lab.reset_faults)
        for button in (self._export, read, self._reset):
            self.head.addWidget(button)

    def _tab_row(self, look: Look) -> QHBoxLayout:
        line = row(look, None, SPACE_XS)
        for place, group in enumerate(GROUPS):
            tab = Button(look, f"faultGroup_{group}", kind="tab", size_px=TEXT_CAPTION_PX)
            tab.setCheckable(True)
            tab.setChecked(group == self._group)
            self._tabs.addButton(tab, place)
            line.addWidget(tab)
        line.addStretch(1)
        self._tabs.idClicked.connect(lambda place: self.show_group(GROUPS[place]))
        return line

    def show_group(self, group: str) -> None:
        """Offer the faults of "network", "card" or "lines"."""
        self._group = group
        self._tabs.button(GROUPS.index(group)).setChecked(True)
        for preset in self._shown or ():
            self._lines[preset.id].setVisible(preset.group == group)

    def show_faults(self, faults: tuple[FaultPreset, ...]) -> None:
        """Draw the presets, making a line for each that is new."""
        if faults == self._shown:
            return
        self._shown = faults
        self._empty.setVisible(not faults)
        self._area.setVisible(bool(faults))
        any_on = any(preset.on for preset in faults)
        self._reset.setEnabled(any_on)
        self._export.setEnabled(any_on)
        self._name_tabs(faults)
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
            known.setVisible(preset.group == self._group)

    def _name_tabs(self, faults: tuple[FaultPreset, ...]) -> None:
        """Each group's name, and how many of its faults are on."""
        for place, group in enumerate(GROUPS):
            members = [preset for preset in faults if preset.group == group]
            tab = self._tabs.button(place)
            assert isinstance(tab, Button)
            tab.setVisible(bool(members))
            if not members:
                continue
            network = members[0].link.partition(".")[0]
            name = tr(f"console.faults.group.{group}", network=NETWORK_NAMES.get(network, network))
            on = sum(preset.on for preset in members)
            tab.say(tr("console.faults.on", group=name, count=on) if on else name)

    def _ask_where(self) -> None:
        dialog = self._dialog(tr("console.faults.export"), "faults.toml")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.fileSelected.connect(self._lab.export_faults)
        dialog.open()

    def _ask_which(self) -> None:
        dialog = self._dialog(tr("console.faults.import"), "")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._lab.import_faults)
        dialog.open()

    def _dialog(self, title: str, name: str) -> QFileDialog:
        dialog = QFileDialog(self, title, name, tr("console.faults.files"))
        dialog.setObjectName("faultFile")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog
