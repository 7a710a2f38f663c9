"""The person's devices, lost and found; and what a phone shows that is marked as lost.

Draws `WalletState` and calls `WalletCommands`; decides nothing.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from lab.design.blocks import Button, EmptyState, Label, clear_layout, column, row, scroll
from lab.design.icons import icon_pixmap
from lab.design.look import BOLD, MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_S, TEXT_CAPTION_PX, TEXT_TITLE_PX
from lab.wallet.state import DeviceView, WalletState
from lab.wallet.view_cards import notice_tone
from lab.window.commands import WalletCommands
from lab.words import tell, tr

ICON_PX = 40
BUTTON_PX = 34


class DevicesPage(QWidget):
    """Phone and watch, with what lies on each."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("devicesPage")
        self._look = look
        self._commands = commands
        self._shown: tuple[tuple[DeviceView, ...], bool] | None = None
        box = column(look, self, SPACE_M)
        head = row(look)
        back = Button(look, "devicesBack", tr("phone.back"), kind="phone", icon_name="chevron-left")
        back.clicked.connect(commands.close)
        head.addWidget(back)
        head.addStretch(1)
        box.addLayout(head)
        title = Label(look, "devicesTitle", size_px=TEXT_TITLE_PX, weight=BOLD, tone="phone")
        title.say(tr("phone.devices"))
        box.addWidget(title)
        text = Label(look, "devicesText", tone="phone-dim").wrapping()
        text.say(tr("phone.devices.text"))
        box.addWidget(text)
        self._notice = Label(look, "devicesNotice", tone="waiting").wrapping()
        box.addWidget(self._notice)
        holder = QWidget()
        inside = column(look, holder, SPACE_S)
        inside.setContentsMargins(0, 0, 0, 0)
        self._rows = column(look, None, SPACE_S)
        inside.addLayout(self._rows)
        self._empty = EmptyState(look, "devicesEmpty", tr("phone.devices.none"))
        self._empty.sentence.say(tr("phone.devices.none"), "phone-dim")
        inside.addWidget(self._empty)
        inside.addStretch(1)
        box.addWidget(scroll(holder, "devicesScroll"), 1)
        self._pair = Button(look, "pairWatch", tr("phone.watch.pair"), kind="phone")
        self._pair.clicked.connect(commands.pair_watch)
        box.addWidget(self._pair)
        leave = Button(look, "signOut", tr("phone.sign_out"), kind="phone")
        leave.clicked.connect(commands.sign_out)
        box.addWidget(leave)

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        self._notice.setVisible(state.notice is not None)
        if state.notice is not None:
            self._notice.say(tell(state.notice), notice_tone(state.notice))
        can_ask = not state.offline and not state.busy
        self._pair.setVisible(all(device.kind != "watch" for device in state.devices))
        self._pair.setEnabled(can_ask)
        if self._shown == (state.devices, can_ask):
            return
        self._shown = (state.devices, can_ask)
        clear_layout(self._rows)
        self._empty.setVisible(not state.devices)
        for device in state.devices:
            self._rows.addWidget(DeviceLine(self._look, self._commands, device, can_ask=can_ask))


class DeviceLine(QFrame):
    """One device: its name, its cards, and what can be said about it."""

    def __init__(
        self, look: Look, commands: WalletCommands, device: DeviceView, *, can_ask: bool
    ) -> None:
        super().__init__()
        self.setObjectName(f"device_{device.id}")
        self.setProperty("surface", "phone-raised")
        box = column(look, self, SPACE_S)
        box.setContentsMargins(*(look.px(SPACE_M),) * 4)
        name = Label(look, "deviceName", weight=MEDIUM, tone="phone").eliding()
        said = device.name or tr(f"phone.device.{device.kind}")
        name.say(tr("phone.device.this", name=said) if device.is_this else said)
        box.addWidget(name)
        state = Label(look, "deviceState", size_px=TEXT_CAPTION_PX, tone="phone-dim").wrapping()
        state.say(tr("phone.device.state", cards=device.cards, stopped=device.stopped))
        box.addWidget(state)
        if device.is_lost:
            lost = Label(look, "deviceIsLost", weight=MEDIUM, tone="bad")
            lost.say(tr("phone.device.is_lost"))
            box.addWidget(lost)
        for button in device_buttons(look, commands, device):
            button.setEnabled(can_ask)
            button.setMinimumHeight(look.px(BUTTON_PX))
            box.addWidget(button)


class LostPage(QWidget):
    """This phone is marked as lost."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("lostPage")
        self._look = look
        self._commands = commands
        self._device: DeviceView | None = None
        box = column(look, self, SPACE_M)
        box.addStretch(2)
        mark = QLabel()
        mark.setPixmap(icon_pixmap("smartphone", look.theme.red, look.px(ICON_PX)))
        mark.setAccessibleName(tr("phone.device.is_lost"))
        box.addWidget(mark, 0, Qt.AlignmentFlag.AlignLeft)
        title = Label(look, "lostTitle", size_px=TEXT_TITLE_PX, weight=BOLD, tone="phone")
        title.wrapping().say(tr("phone.lost.title"))
        box.addWidget(title)
        text = Label(look, "lostText", tone="phone-dim").wrapping()
        text.say(tr("phone.lost.text"))
        box.addWidget(text)
        self._state = Label(look, "lostState", tone="phone-dim").wrapping()
        box.addWidget(self._state)
        self._notice = Label(look, "lostNotice", tone="waiting").wrapping()
        box.addWidget(self._notice)
        self._buttons = column(look, None, SPACE_S)
        box.addLayout(self._buttons)
        box.addStretch(3)

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        device = next((device for device in state.devices if device.is_this), None)
        self._notice.setVisible(state.notice is not None)
        if state.notice is not None:
            self._notice.say(tell(state.notice), notice_tone(state.notice))
        if device is not None and device != self._device:
            self._device = device
            self._state.say(tr("phone.device.state", cards=device.cards, stopped=device.stopped))
            clear_layout(self._buttons)
            for button in device_buttons(self._look, self._commands, device):
                if button.property("kind") == "plain":
                    button.become("phone")  # it lies on the screen itself, not on a raised line
                button.setMinimumHeight(self._look.px(BUTTON_PX))
                self._buttons.addWidget(button)
        for at in range(self._buttons.count()):
            item = self._buttons.itemAt(at)
            if item is not None and (widget := item.widget()) is not None:
                widget.setEnabled(not state.offline and not state.busy)


def device_buttons(look: Look, commands: WalletCommands, device: DeviceView) -> list[Button]:
    """What a person can say about a device: that it is lost, or that it is back."""
    if not device.is_lost:
        lost = Button(look, "deviceLost", tr("phone.device.lost"), kind="plain")
        lost.clicked.connect(lambda: commands.device_lost(device.id))
        return [lost]
    found = Button(look, "deviceFound", tr("phone.device.found"), kind="plain")
    found.clicked.connect(lambda: commands.device_found(device.id, False))
    everything = Button(look, "deviceFoundAll", tr("phone.device.found_all"), kind="primary")
    everything.clicked.connect(lambda: commands.device_found(device.id, True))
    return [everything, found]
