"""The stylesheet: surfaces, borders and text colours of plain widgets, made from a theme.

Fonts are not set here (a rule with a font would undo tabular figures); sizes come from `Look`.
Rules select by the dynamic properties `tone`, `kind` and `surface`, never by widget names.
"""

from __future__ import annotations

from lab.design.look import Look
from lab.design.tokens import HIGH_CONTRAST, RADIUS_L, RADIUS_M, RADIUS_S, Theme


def stylesheet(look: Look) -> str:
    """The whole application's QSS for `look`."""
    return "\n".join((_text(look.theme), _surfaces(look), _buttons(look), _fields(look)))


def _text(theme: Theme) -> str:
    tones = {
        "text": theme.text,
        "dim": theme.text_dim,
        "good": theme.green,
        "bad": theme.red,
        "waiting": theme.amber,
        "ours": theme.violet,
        "blue": theme.blue,
        "phone": theme.phone_text,
        "phone-dim": theme.phone_text_dim,
        "display": theme.display_text,
        "display-dim": theme.display_text_dim,
        "display-good": theme.display_good,
        "display-bad": theme.display_bad,
        "display-waiting": theme.display_waiting,
        "paper": theme.paper_ink,
        "paper-dim": theme.paper_ink_dim,
    }
    rules = [f'QLabel[tone="{name}"] {{ color: {colour}; }}' for name, colour in tones.items()]
    tip = (
        f"QToolTip {{ color: {theme.text}; background: {theme.raised};"
        f" border: 1px solid {theme.line_strong}; padding: 4px; }}"
    )
    return "\n".join([f"QWidget {{ color: {theme.text}; }}", tip, *rules])


def _surfaces(look: Look) -> str:
    theme, radius, thin = look.theme, look.px(RADIUS_M), look.px(8)
    return f"""
#tapLabWindow, QWidget[surface="window"] {{ background: {theme.window}; }}
QFrame[surface="panel"] {{ background: {theme.panel}; border: 1px solid {theme.line};
    border-radius: {radius}px; }}
QFrame[surface="panel"][alarm="bad"] {{ border-color: {theme.red}; }}
QFrame[surface="panel"][alarm="waiting"] {{ border-color: {theme.amber}; }}
QFrame[surface="raised"] {{ background: {theme.raised}; border-radius: {look.px(RADIUS_S)}px; }}
QFrame[surface="chosen"] {{ background: {theme.blue_quiet};
    border-radius: {look.px(RADIUS_S)}px; }}
QFrame[surface="raised"]:focus, QFrame[surface="chosen"]:focus {{
    border: 2px solid {theme.blue}; }}
QFrame[surface="ours"] {{ background: {theme.violet_quiet}; border: 1px solid {theme.violet};
    border-radius: {look.px(RADIUS_S)}px; }}
QFrame[surface="bar"] {{ background: {theme.panel}; border: none; }}
QFrame[surface="strip"] {{ background: {theme.violet_quiet}; border: none; }}
QFrame[surface="alert"] {{ background: {theme.amber_quiet}; border: none; }}
QFrame[surface="phone-raised"] {{ background: {theme.phone_raised}; border-radius: {radius}px; }}
QFrame[surface="phone-sheet"] {{ background: {theme.phone_raised};
    border-radius: {look.px(RADIUS_L)}px; }}
QFrame[surface="line"] {{ background: {theme.line}; border: none; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: none; }}
QScrollBar:vertical {{ background: transparent; width: {thin}px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {thin}px; margin: 0; }}
QScrollBar::handle {{ background: {theme.line_strong}; border-radius: {thin // 2}px;
    min-height: {thin * 3}px; min-width: {thin * 3}px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QTableView, QTreeView, QListView, QPlainTextEdit {{ background: transparent; border: none;
    gridline-color: {theme.line}; selection-background-color: {theme.blue_quiet};
    selection-color: {theme.text}; alternate-background-color: {theme.raised}; }}
QTableView::item, QTreeView::item,
QListView::item {{ padding: {look.px(2)}px {look.px(4)}px; border: none; }}
QTableView::item:hover, QTreeView::item:hover,
QListView::item:hover {{ background: {theme.raised}; }}
QTableView::item:selected, QTreeView::item:selected,
QListView::item:selected {{ background: {theme.blue_quiet};
    color: {theme.text}; }}
QHeaderView {{ background: transparent; }}
QHeaderView::section {{ background: {theme.panel}; color: {theme.text_dim}; border: none;
    border-bottom: 1px solid {theme.line}; padding: {look.px(2)}px {look.px(4)}px;
    text-align: left; }}
QTableCornerButton::section {{ background: {theme.panel}; border: none; }}
"""


def _buttons(look: Look) -> str:
    theme, radius = look.theme, look.px(RADIUS_S)
    fills = {
        "plain": (theme.raised, theme.hover, theme.text),
        "primary": (theme.blue_fill, theme.blue, theme.on_fill),
        "charge": (theme.green_fill, theme.green_fill, theme.on_fill),
        "cancel": (theme.red_fill, theme.red_fill, theme.on_fill),
        "key": (theme.till_key, theme.till_key_hover, theme.text),
        "phone": (theme.phone_raised, theme.phone_raised, theme.blue),
        "phone-key": (theme.phone_raised, theme.phone_raised, theme.phone_text),
        "ours": (theme.violet_quiet, theme.violet_quiet, theme.violet),
    }
    rules = [
        f'QPushButton[kind="{kind}"] {{ background: {fill}; color: {ink};'
        f" border-radius: {radius}px; padding: {look.px(4)}px {look.px(8)}px; }}\n"
        f'QPushButton[kind="{kind}"]:hover {{ background: {hover}; }}'
        for kind, (fill, hover, ink) in fills.items()
    ]
    quiet = f"""
QPushButton[kind="primary"]:hover {{ background: {theme.blue_fill}; }}
QPushButton[kind="charge"]:pressed, QPushButton[kind="cancel"]:pressed,
QPushButton[kind="primary"]:pressed {{ padding-top: {look.px(7)}px; }}
QPushButton[kind="key"]:pressed {{ background: {theme.line_strong}; }}
QPushButton[kind="link"] {{ background: transparent; color: {theme.blue};
    border-radius: {radius}px; padding: {look.px(3)}px {look.px(4)}px; text-align: left; }}
QPushButton[kind="link"]:hover {{ background: {theme.hover}; }}
QPushButton[kind="quiet"] {{ background: transparent; color: {theme.text_dim};
    border-radius: {radius}px; padding: {look.px(3)}px {look.px(8)}px; }}
QPushButton[kind="quiet"]:hover {{ background: {theme.hover}; color: {theme.text}; }}
QPushButton[kind="quiet"]:checked, QPushButton[kind="tab"]:checked {{
    background: {theme.blue_quiet}; color: {theme.text}; }}
QPushButton[kind="tab"] {{ background: transparent; color: {theme.text_dim};
    border-radius: {radius}px; padding: {look.px(4)}px {look.px(10)}px; }}
QPushButton[kind="tab"]:hover {{ color: {theme.text}; background: {theme.hover}; }}
QPushButton[kind="phone-link"] {{ background: transparent; color: {theme.blue};
    border-radius: {radius}px; padding: {look.px(4)}px {look.px(8)}px; }}
QPushButton[edge="text"] {{ padding-left: 0px; text-align: left; }}
QPushButton[kind="phone-choice"] {{ background: {theme.phone_screen}; color: {theme.phone_text};
    border-radius: {radius}px; padding: {look.px(4)}px {look.px(8)}px; text-align: left; }}
QPushButton[kind="phone-choice"]:checked {{ border: 2px solid {theme.blue}; }}
QPushButton[kind="phone-choice"]:hover, QPushButton[kind="phone-link"]:hover {{
    border: 2px solid {theme.phone_edge}; }}
QPushButton[kind="row"] {{ background: transparent; text-align: left;
    padding: {look.px(4)}px {look.px(4)}px; border-radius: {radius}px; color: {theme.text}; }}
QPushButton[kind="row"]:hover {{ background: {theme.hover}; }}
QPushButton[kind="choice"] {{ background: {theme.raised}; color: {theme.text};
    border-radius: {radius}px; padding: {look.px(4)}px {look.px(10)}px; }}
QPushButton[kind="choice"]:hover {{ background: {theme.hover}; }}
QPushButton[kind="choice"]:checked {{ background: {theme.blue_quiet};
    border: 2px solid {theme.blue}; }}
QPushButton[kind="chip"] {{ background: {theme.raised}; border-radius: {look.px(11)}px; }}
QPushButton[kind="chip"]:hover {{ background: {theme.hover}; }}
QPushButton[kind="ours"] {{ border: 1px solid {theme.violet}; }}
QPushButton[kind="ours"]:hover {{ background: {theme.hover}; }}
QPushButton:disabled {{ background: {theme.raised}; color: {theme.text_dim}; }}
QPushButton[kind="key"]:disabled, QPushButton[kind="charge"]:disabled,
QPushButton[kind="cancel"]:disabled {{ background: {theme.till_key}; }}
QPushButton[kind="choice"]:disabled, QPushButton[kind="link"]:disabled,
QPushButton[kind="quiet"]:disabled {{
    background: transparent; }}
QPushButton[kind="phone"]:disabled, QPushButton[kind="phone-key"]:disabled {{
    background: {theme.phone_raised}; color: {theme.phone_text_dim}; }}
QPushButton:focus {{ border: 2px solid {theme.blue}; }}
"""
    border = "QPushButton { border: 2px solid transparent; }"  # room for the focus ring
    kinds = ("plain", "key", "phone", "phone-key", "phone-choice")
    edges = [
        f'QPushButton[kind="{kind}"] {{ border: 2px solid {theme.line}; }}'
        for kind in kinds
        if theme.name == HIGH_CONTRAST.name  # there, fills alone do not show where a key ends
    ]
    return "\n".join([border, *rules, *edges, quiet])


def _fields(look: Look) -> str:
    theme, radius = look.theme, look.px(RADIUS_S)
    return f"""
QLineEdit, QComboBox, QDoubleSpinBox {{ background: {theme.raised}; color: {theme.text};
    border: 1px solid {theme.line_strong}; border-radius: {radius}px;
    padding: {look.px(4)}px {look.px(8)}px; selection-background-color: {theme.blue_fill};
    selection-color: {theme.on_fill}; placeholder-text-color: {theme.text_dim}; }}
QLineEdit[surface="phone"] {{ background: {theme.phone_raised}; color: {theme.phone_text};
    padding: {look.px(7)}px {look.px(10)}px; placeholder-text-color: {theme.phone_text_dim}; }}
QLineEdit[wrong="yes"] {{ border: 1px solid {theme.red}; }}
QLineEdit:focus, QComboBox:focus, QDoubleSpinBox:focus {{ border: 1px solid {theme.blue}; }}
QDoubleSpinBox {{ padding: {look.px(1)}px {look.px(4)}px; }}
QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{ width: 0; border: none; }}
QMenu {{ background: {theme.raised}; border: 1px solid {theme.line_strong};
    border-radius: {radius}px; padding: {look.px(4)}px; }}
QMenu::item {{ padding: {look.px(5)}px {look.px(16)}px {look.px(5)}px {look.px(28)}px;
    border-radius: {look.px(6)}px; }}
QMenu::item:selected {{ background: {theme.blue_quiet}; }}
QMenu::item:disabled {{ color: {theme.text_dim}; }}
QMenu::separator {{ height: 1px; background: {theme.line}; margin: {look.px(4)}px; }}
QMenu::indicator {{ left: {look.px(8)}px; width: {look.px(12)}px; height: {look.px(12)}px; }}
QComboBox {{ padding: {look.px(2)}px {look.px(6)}px; }}
QComboBox::drop-down {{ border: none; width: {look.px(16)}px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ background: {theme.raised}; color: {theme.text};
    border: 1px solid {theme.line_strong}; selection-background-color: {theme.blue_quiet};
    selection-color: {theme.text}; }}
QCheckBox {{ spacing: {look.px(8)}px; }}
QCheckBox[tone="phone"] {{ color: {theme.phone_text}; }}
QCheckBox::indicator {{ width: {look.px(16)}px; height: {look.px(16)}px; border-radius: 4px;
    border: 1px solid {theme.line_strong}; background: {theme.raised}; }}
QCheckBox::indicator:checked {{ background: {theme.blue_fill}; border-color: {theme.blue}; }}
QCheckBox:focus {{ border: 1px solid {theme.blue}; border-radius: 4px; }}
"""
