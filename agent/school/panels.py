"""Larger things on screens: tabs, lists, tables, menus, opened dropdowns, dialogs. They are widgets, too."""

from random import Random

from agent.school import words
from agent.school.fonts import write
from agent.school.icons import ICONS, draw_icon
from agent.school.sheet import Area, Sheet, Theme, broken
from agent.school.themes import shifted
from agent.school.widgets import Widget, button, fitting


def tabs(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """A row of tabs, one of them selected, over a frame with a few lines."""
    line = write("x", theme.family, theme.size).height
    tall, x, count = line + 2 * theme.pad, room.left, rng.randint(2, 5)
    if tall + 3 * line > room.height:
        return 0
    chosen = rng.randrange(count)
    for number in range(count):
        found = fitting(rng, lambda r: words.phrase(r, 1, 2), theme, room.right - x - 2 * theme.pad)
        if not found:
            break
        text, writing = found
        box = Area(x, room.top, x + writing.width + 2 * theme.pad, room.top + tall)
        on = number == chosen
        sheet.box(box, theme.accent if on else theme.face, theme.line, min(theme.radius, 3))
        stands = sheet.write(x + theme.pad, room.top + theme.pad, writing, theme.accent_ink if on else theme.face_ink)
        sheet.add("tab", text, box, text, stands, "selected" if on else "")
        x = box.right + rng.choice((0, 0, 2))
    if x == room.left:
        return 0
    frame = Area(room.left, room.top + tall, room.right, min(room.bottom, room.top + tall + rng.randint(3, 8) * line))
    sheet.box(frame, None, theme.line)
    _prose(sheet, theme, rng, frame.inset(theme.pad, theme.pad))
    return frame.bottom - room.top


def _prose(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> None:
    """Lines of words, some of which are links."""
    line = write("x", theme.family, theme.size).height
    x, y, blank = room.left, room.top, write(" ", theme.family, theme.size).width
    begun, text = x, ""
    for word in words.sentence(rng, 5, 18).split():
        writing, linked = write(word, theme.family, theme.size), rng.random() < 0.15
        if x + writing.width > room.right:
            _said(sheet, theme, text, begun, y)
            x, begun, text, y = room.left, room.left, "", y + line
        if y + line > room.bottom or x + writing.width > room.right:
            break
        if linked:
            _said(sheet, theme, text, begun, y)
            stands = sheet.write(x, y, writing, theme.link)
            sheet.draw.line((x, stands.bottom - 2, stands.right - 1, stands.bottom - 2), fill=theme.link)
            sheet.add("link", word, stands, word, stands)
            begun, text = stands.right + blank, ""
        else:
            sheet.write(x, y, writing, theme.ink)
            text = f"{text} {word}".strip()
        x += writing.width + blank
    else:
        _said(sheet, theme, text, begun, y)


def _said(sheet: Sheet, theme: Theme, text: str, x: int, y: int) -> None:
    """Puts words that were written already on the list."""
    if text:
        writing = write(text, theme.family, theme.size)
        stands = Area(x, y, x + writing.width, y + writing.height)
        sheet.add("text", text, stands, text, stands)


def items(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """A list of rows, one perhaps selected, with an icon at the end or none."""
    y, wide = room.top, min(room.width, rng.randint(90, 320))
    chosen, iconed = rng.randrange(12), rng.choice((None, None, rng.choice(ICONS)))
    for number in range(rng.randint(3, 9)):
        found = fitting(rng, words.text, theme, wide - 24 - 2 * theme.pad)
        if not found or y + found[1].height + theme.pad > room.bottom:
            break
        text, writing = found
        box, on = Area(room.left, y, room.left + wide, y + writing.height + theme.pad), number == chosen
        sheet.box(box, theme.accent if on else theme.field, theme.line if theme.radius else None)
        ink = theme.accent_ink if on else theme.ink
        stands = sheet.write(box.left + theme.pad, y + theme.pad // 2, writing, ink)
        sheet.add("list item", text, box, text, stands, "selected" if on else "")
        if iconed:
            side = writing.height - 2
            place = Area(box.right - side - 4, y + theme.pad // 2 + 1, box.right - 4, y + theme.pad // 2 + 1 + side)
            draw_icon(sheet.draw, iconed, place, ink)
            sheet.add("icon", iconed, place)
        y = box.bottom
    return y - room.top


def table(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Columns with headers, and rows of cells."""
    columns, makes = rng.randint(2, 4), (words.name, words.number, words.date, words.word)
    wide = room.width // columns
    line = write("x", theme.family, theme.size).height + theme.pad
    made = [rng.choice(makes) for _ in range(columns)]
    rows = min(rng.randint(2, 8), room.height // line - 1)
    if rows < 1 or wide < 40:
        return 0
    for row in range(rows + 1):
        y = room.top + row * line
        for column, make in enumerate(made):
            head = row == 0
            found = fitting(rng, words.word if head else make, theme, wide - theme.pad, bold=head)
            if not found:
                continue
            text, writing = found
            box = Area(room.left + column * wide, y, room.left + (column + 1) * wide, y + line)
            sheet.box(box, theme.face if head else None, theme.line)
            stands = sheet.write(box.left + theme.pad // 2 + 1, y + theme.pad // 2, writing,
                                 theme.face_ink if head else theme.ink)  # fmt: skip
            sheet.add("column header" if head else "cell", text, box, text, stands)
    return (rows + 1) * line


def menu_bar(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> int:
    """Words in a bar, such as a program's menus."""
    x, tall = room.left, write("x", theme.family, theme.size).height + 4
    if tall > room.height:
        return 0
    sheet.box(Area(room.left, room.top, room.right, room.top + tall), theme.face)
    for _ in range(rng.randint(2, 7)):
        found = fitting(rng, words.word, theme, room.right - x - 12)
        if not found:
            break
        text, writing = found
        stands = sheet.write(x + 6, room.top + 2, writing, theme.face_ink)
        sheet.add("menu item", text, Area(x, room.top, stands.right + 6, room.top + tall), text, stands)
        x = stands.right + 6
    return tall


def opened(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> None:
    """A menu or the list of a dropdown, over whatever is there in a room."""
    line = write("x", theme.family, theme.size).height + rng.randint(2, 8)
    count = min(rng.randint(3, 7), room.height // line)
    told = [found for _ in range(count) if (found := fitting(rng, words.text, theme, room.width // 2 - 30))]
    if not told:
        return
    wide, tall = max(writing.width for _, writing in told) + 30, len(told) * line + 2
    left, top = rng.randint(room.left, room.right - wide), rng.randint(room.top, max(room.bottom - tall, room.top))
    area = Area(left, top, left + wide, top + tall)
    sheet.cover(area)
    sheet.box(area, theme.field, theme.line)
    role, chosen = rng.choice(("menu item", "option")), rng.randrange(2 * count)
    for number, (text, writing) in enumerate(told):
        box, on = (
            Area(left + 1, top + 1 + number * line, left + wide - 1, top + 1 + (number + 1) * line),
            number == chosen,
        )
        sheet.box(box, theme.accent if on else theme.field)
        stands = sheet.write(left + 12, box.top + (line - writing.height) // 2, writing,
                             theme.accent_ink if on else theme.ink)  # fmt: skip
        sheet.add("option" if role == "option" else "menu item", text, box, text, stands, "selected" if on else "")


def dialog(sheet: Sheet, theme: Theme, rng: Random, room: Area) -> None:
    """A box with a title, words and buttons, over whatever is there in a room."""
    line = write("x", theme.family, theme.size).height
    wide = min(room.width - 8, rng.randint(110, 340))
    text = broken(words.sentence(rng, 2, 9), wide - 20, theme.family, theme.size)
    tall = (len(text) + 3) * line + 6 * theme.pad
    title = fitting(rng, lambda r: words.phrase(r, 1, 2), theme, wide - 40, bold=True)
    if tall > room.height - 4 or not title:
        return
    left, top = rng.randint(room.left, room.right - wide), rng.randint(room.top, room.bottom - tall)
    area, bar = Area(left, top, left + wide, top + tall), Area(left, top, left + wide, top + line + theme.pad)
    sheet.cover(area)
    sheet.box(area, theme.ground, theme.line, theme.radius)
    sheet.box(bar, theme.accent, theme.line)
    stands = sheet.write(left + 8, top + theme.pad // 2, title[1], theme.accent_ink)
    sheet.add("heading", title[0], stands, title[0], stands)
    side = bar.height - 4
    cross = Area(bar.right - side - 4, top + 2, bar.right - 4, top + 2 + side)
    sheet.box(cross, theme.face, theme.line)
    draw_icon(sheet.draw, "close", cross.inset(side // 4, side // 4), theme.face_ink)
    sheet.add("icon", "close", cross)
    y = bar.bottom + theme.pad
    for one in text:
        stands = sheet.write(left + 10, y, write(one, theme.family, theme.size), theme.ink)
        sheet.add("text", one, stands, one, stands)
        y += line
    x, down = left + 10, area.bottom - line - 2 * theme.pad
    for number in range(rng.randint(1, 2)):
        found = fitting(rng, words.word, theme, area.right - x - 30)
        if found:
            box = Area(x, down, x + found[1].width + 20, down + line + theme.pad)
            button(sheet, theme, box, found[0], main=number == 0)
            x = box.right + 8


def soft(theme: Theme) -> tuple[int, int, int]:
    """A ground for bars and columns beside a page."""
    return shifted(theme.ground, -14 if theme.ground[0] > 100 else 16)


PANELS: tuple[Widget, ...] = (tabs, items, table, menu_bar)
