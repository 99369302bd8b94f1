"""Draw the integration's icon: a shield, in it an aperture, in it an arrow upward.

Writes icon.png and icon@2x.png into the integration's folder brand.
"""

from math import cos, pi, sin
from pathlib import Path

from PIL import Image, ImageDraw

type Point = tuple[float, float]

BRAND = Path(__file__).parent.parent / "custom_components/frigate_snap_sync/brand"
# Drawn four times as large as the larger picture, then reduced: smooth edges.
SIZE = 2048
TOP, BOTTOM = (20, 184, 166), (30, 58, 138)
WHITE, NIGHT = (255, 255, 255, 255), (15, 32, 68, 255)
CENTER: Point = (0.5, 0.47)


def scaled(points: list[Point]) -> list[Point]:
    """Return points of the unit square as points of the drawing."""
    return [(x * SIZE, y * SIZE) for x, y in points]


def around(radius: float, degrees: float) -> Point:
    """Return the point at a distance and an angle from the aperture's center."""
    angle = degrees * pi / 180
    return CENTER[0] + radius * cos(angle), CENTER[1] + radius * sin(angle)


def curve(start: Point, a: Point, b: Point, end: Point) -> list[Point]:
    """Return the points of a cubic Bézier curve."""
    points = []
    for step in range(101):
        t = step / 100
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        pairs = list(zip(weights, (start, a, b, end), strict=True))
        points.append(
            (sum(w * p[0] for w, p in pairs), sum(w * p[1] for w, p in pairs))
        )
    return points


def shield() -> Image.Image:
    """Return the shield, filled from its top color to its bottom color."""
    left = [
        *curve((0.5, 0.03), (0.4, 0.11), (0.24, 0.14), (0.1, 0.14)),
        *curve((0.1, 0.14), (0.09, 0.62), (0.2, 0.83), (0.5, 0.97)),
    ]
    right = [(1 - x, y) for x, y in reversed(left)]
    mask = Image.new("L", (SIZE, SIZE), 0)
    ImageDraw.Draw(mask).polygon(scaled(left + right), fill=255)
    fade = Image.linear_gradient("L").resize((SIZE, SIZE))
    fill = Image.composite(
        Image.new("RGB", (SIZE, SIZE), BOTTOM),
        Image.new("RGB", (SIZE, SIZE), TOP),
        fade,
    ).convert("RGBA")
    fill.putalpha(mask)
    return fill


def draw() -> Image.Image:
    """Return the whole icon."""
    picture = shield()
    pen = ImageDraw.Draw(picture)
    outer, inner = 0.285, 0.195
    x, y = CENTER
    rim = scaled([(x - outer, y - outer), (x + outer, y + outer)])
    pen.ellipse([*rim[0], *rim[1]], fill=WHITE)
    corners = [around(inner, 60 * n) for n in range(6)]
    # The edge of a blade runs on past the corner, out to just inside the rim.
    beyond = (outer**2 - (inner * cos(pi / 6)) ** 2) ** 0.5 / inner + 0.48
    for n in range(6):
        (ax, ay), (bx, by) = corners[n - 1], corners[n]
        far = (ax + (bx - ax) * beyond, ay + (by - ay) * beyond)
        pen.line(scaled([(ax, ay), far]), fill=NIGHT, width=round(SIZE * 0.016))
    pen.polygon(scaled(corners), fill=NIGHT)
    head, neck, tip, foot = 0.1, 0.042, 0.125, 0.12
    pen.polygon(
        scaled(
            [
                (x, y - tip),
                (x + head, y - tip + 0.11),
                (x + neck, y - tip + 0.11),
                (x + neck, y + foot),
                (x - neck, y + foot),
                (x - neck, y - tip + 0.11),
                (x - head, y - tip + 0.11),
            ]
        ),
        fill=WHITE,
    )
    return picture


def main() -> None:
    """Write both sizes of the icon."""
    picture = draw()
    BRAND.mkdir(exist_ok=True)
    for name, size in (("icon.png", 256), ("icon@2x.png", 512)):
        small = picture.resize((size, size), Image.Resampling.LANCZOS)
        small.save(BRAND / name, optimize=True)


if __name__ == "__main__":
    main()
