"""A captured terminal screen (text with SGR sequences) as an SVG picture."""

import html
import re
import unicodedata

# A cell, and where its text stands, in user units.
WIDTH, HEIGHT, BASE, FONT = 8, 18, 13.5, 13.25
MARGIN, BAR = 14, 34
GROUND, TEXT, FRAME = "#12151c", "#d8dee9", "#2b303b"
LIGHTS = ["#ff5f57", "#febc2e", "#28c840"]

# Eighths of a cell, from the left, that these fill.
BLOCKS = {"█": 8, "▉": 7, "▊": 6, "▋": 5, "▌": 4, "▍": 3, "▎": 2, "▏": 1}


class Style:
    """Colours and weight, as the SGR sequences so far leave them."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.ink, self.ground = None, None
        self.bold = self.italic = self.underlined = self.reversed = False

    def obey(self, sequence):
        codes = iter([int(code or 0) for code in re.split("[;:]", sequence)])
        for code in codes:
            if code == 0:
                self.reset()
            elif code in (1, 22):
                self.bold = code == 1
            elif code in (3, 23):
                self.italic = code == 3
            elif code in (4, 24):
                self.underlined = code == 4
            elif code in (7, 27):
                self.reversed = code == 7
            elif code in (38, 48):
                if next(codes) != 2:
                    raise ValueError(f"not a true colour: {sequence}")
                colour = "#" + "".join(f"{next(codes):02x}" for _ in range(3))
                self.ink, self.ground = (
                    (colour, self.ground) if code == 38 else (self.ink, colour)
                )
            elif code == 39:
                self.ink = None
            elif code == 49:
                self.ground = None
            else:
                raise ValueError(f"unknown attribute {code}: {sequence}")

    def look(self):
        ink, ground = self.ink or TEXT, self.ground or GROUND
        if self.reversed:
            ink, ground = ground, ink
        return ink, ground, self.bold, self.italic, self.underlined


def cells(line, style):
    """The characters of a line: where, what, how wide, how they look."""
    column, found = 0, []
    for sequence, character in re.findall(r"\x1b\[([\d;:]*)m|(.)", line):
        if not character:
            style.obey(sequence)
        elif unicodedata.combining(character) or character in "\u200d\ufe0f":
            at, before, _, look = found[-1]
            wide = 2 if character == "\ufe0f" else found[-1][2]
            column = at + wide
            found[-1] = (at, before + character, wide, look)
        else:
            wide = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            found.append((column, character, wide, style.look()))
            column += wide
    return found


def runs(found, same):
    """Neighbours that are the same in this way."""
    run = []
    for cell in found:
        if run and (run[-1][0] + run[-1][2] != cell[0] or same(run[-1]) != same(cell)):
            yield run
            run = []
        run.append(cell)
    if run:
        yield run


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".")


def draw(screen, columns, rows, title):
    """The whole picture."""
    width, height = columns * WIDTH + 2 * MARGIN, rows * HEIGHT + BAR + MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{html.escape(title)}">',
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="9" '
        f'fill="{GROUND}" stroke="{FRAME}"/>',
    ]
    for at, light in enumerate(LIGHTS):
        out.append(f'<circle cx="{20 + 19 * at}" cy="17" r="6" fill="{light}"/>')
    out.append(
        f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" '
        f'font-size="{FONT}" xml:space="preserve">'
        f'<text x="{width / 2:g}" y="22" fill="#8a93a6" text-anchor="middle">{html.escape(title)}</text>'
    )
    style = Style()
    for row, line in enumerate(screen.split("\n")[:rows]):
        out += draw_line(cells(line, style), BAR + row * HEIGHT)
    return "\n".join([*out, "</g>", "</svg>", ""])


def draw_line(found, top):
    """One line of the screen: grounds, strokes and blocks, then text."""
    out = []

    def box(x, y, width, height, colour):
        x, y = number(MARGIN + x), number(y)
        out.append(
            f'<rect x="{x}" y="{y}" width="{number(width)}" height="{number(height)}" '
            f'fill="{colour}"/>'
        )

    for run in runs(found, lambda cell: cell[3][1]):
        if (ground := run[0][3][1]) != GROUND:
            end = run[-1][0] + run[-1][2]
            box(run[0][0] * WIDTH, top, (end - run[0][0]) * WIDTH, HEIGHT, ground)
    # What has to join its neighbours is drawn: fonts leave gaps.
    drawn = {"─", "│", *BLOCKS}
    for run in runs(found, lambda cell: (cell[1] if cell[1] in drawn else "", cell[3])):
        (column, character, _, (ink, _, bold, italic, underlined)) = run[0]
        end = run[-1][0] + run[-1][2]
        if character == "─":
            box(column * WIDTH, top + HEIGHT / 2 - 0.5, (end - column) * WIDTH, 1, ink)
        elif character == "│":
            box(column * WIDTH + WIDTH / 2 - 0.5, top, 1, HEIGHT, ink)
        elif character in BLOCKS:
            for cell in run:
                box(cell[0] * WIDTH, top, WIDTH * BLOCKS[character] / 8, HEIGHT, ink)
        else:
            out += words(run, top, ink, bold, italic, underlined)
    return out


def words(run, top, ink, bold, italic, underlined):
    """The words of a run, each at its column and as long as its cells, whatever
    the font: only blanks may differ."""
    look = f'fill="{ink}"'
    look += ' font-weight="bold"' if bold else ""
    look += ' font-style="italic"' if italic else ""
    look += ' text-decoration="underline"' if underlined else ""
    spans = []
    for part in runs(run, lambda cell: cell[1] == " " and not underlined):
        if part[0][1] == " " and not underlined:
            continue
        text = html.escape("".join(cell[1] for cell in part), quote=False)
        length = part[-1][0] + part[-1][2] - part[0][0]
        x = number(MARGIN + part[0][0] * WIDTH)
        size = f' textLength="{length * WIDTH}"' if length > 1 else ""
        spans.append((x, size, text))
    y = number(top + BASE)
    return [f'<text x="{x}" y="{y}"{size} {look}>{text}</text>' for x, size, text in spans]
