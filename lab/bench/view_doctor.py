"""What the doctor says of this machine's readers: each finding with its remedy, ready to paste."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFrame, QWidget
from typing_extensions import override

from lab.bench.state import ReaderFinding
from lab.design.blocks import Button, Label, Panel, Shape, clear_layout, column, row, scroll
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tr

UNASKED = ()


class DoctorPanel(Panel):
    """Findings. Asks for them when it is first seen, and again by its button."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__(look, "readerDoctor", tr("reader.doctor"))
        self._look = look
        self._lab = lab
        self._asked = False
        self._shown: tuple[ReaderFinding, ...] | None = UNASKED
        self.head.addStretch(1)
        again = Button(look, "examineReaders", tr("reader.doctor.again"), kind="quiet",
                       icon_name="refresh-cw")  # fmt: skip
        again.clicked.connect(lab.examine_readers)
        self.head.addWidget(again)
        holder = QWidget()
        self._rows = column(look, holder, SPACE_S)
        self._rows.addStretch(1)
        self.body.addWidget(scroll(holder, "findings"), 1)

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._asked:
            self._asked = True
            self._lab.examine_readers()

    def show_findings(self, findings: tuple[ReaderFinding, ...] | None) -> None:
        """Draw what was found; None while it looks."""
        if findings == self._shown and self._rows.count() > 1:
            return
        self._shown = findings
        clear_layout(self._rows)
        if findings is None:
            self._say("doctorLooks", tr("reader.doctor.looking"))
        elif not findings:
            self._say("doctorWell", tr("reader.doctor.well"))
        else:
            for finding in findings:
                self._rows.addWidget(FindingRow(self._look, finding))
        self._rows.addStretch(1)

    def _say(self, name: str, sentence: str) -> None:
        label = Label(self._look, name, tone="dim").wrapping()
        label.say(sentence)
        self._rows.addWidget(label)


class FindingRow(QFrame):
    """One finding: what, and what to do about it with a button that copies it."""

    def __init__(self, look: Look, finding: ReaderFinding) -> None:
        super().__init__()
        self.setObjectName(f"finding_{finding.name}")
        self.setProperty("surface", "raised")
        box = column(look, self, SPACE_XS)
        box.setContentsMargins(*(look.px(SPACE_M), look.px(SPACE_S)) * 2)
        head = row(look, None, SPACE_S)
        mark = Shape(look, 10)
        mark.show_kind("bad" if finding.level == "problem" else "waiting")
        name = Label(look, "findingName", weight=MEDIUM)
        name.say(finding.name)
        head.addWidget(mark)
        head.addWidget(name)
        head.addStretch(1)
        box.addLayout(head)
        detail = Label(look, "findingDetail", tone="dim").wrapping()
        detail.say(finding.detail)
        box.addWidget(detail)
        if finding.remedy:
            self._remedy = finding.remedy
            self._copy = Button(look, "copyRemedy", tr("reader.doctor.copy"), kind="quiet",
                                icon_name="copy", size_px=TEXT_CAPTION_PX)  # fmt: skip
            self._copy.setAccessibleName(tr("reader.doctor.remedy"))
            self._copy.clicked.connect(self._copied)
            head.addWidget(self._copy)
            remedy = Label(look, "findingRemedy", size_px=TEXT_CAPTION_PX, mono=True).wrapping()
            remedy.say(finding.remedy)
            box.addWidget(remedy)

    def _copied(self) -> None:
        QGuiApplication.clipboard().setText(self._remedy)
        self._copy.say(tr("reader.doctor.copied"))
