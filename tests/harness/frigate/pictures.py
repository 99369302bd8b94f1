"""Pictures of the simulated cameras, drawn: always the same for the same input."""

from datetime import UTC, datetime
import hashlib
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont


def _color(text: str, low: int, high: int) -> tuple[int, int, int]:
    digest = hashlib.sha256(text.encode()).digest()
    red, green, blue = (low + byte % (high - low) for byte in digest[:3])
    return red, green, blue


def background(camera: str, size: tuple[int, int]) -> Image.Image:
    """Return the empty scene that a camera looks at."""
    width, height = size
    image = Image.new("RGB", size, _color(camera, 30, 90))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 6 // 10, width, height), _color(camera + "/", 60, 120))
    draw.rectangle(
        (width // 10, height // 4, width // 3, height * 6 // 10),
        _color(camera + "#", 90, 150),
    )
    return image


def clock_text(moment: float) -> str:
    """Return the text that is burned into a picture of that moment (UTC)."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-5]


def frame(
    empty: Image.Image, camera: str, moment: float, *, text_size: int = 18
) -> Image.Image:
    """Return what the camera sees at that moment: something moves, time is shown."""
    image = empty.copy()
    draw = ImageDraw.Draw(image)
    width, height = image.size
    # Once through the picture in ten seconds.
    left = int(moment % 10 / 10 * width)
    draw.ellipse(
        (left, height // 2, left + width // 12, height // 2 + width // 12),
        _color(camera + "*", 150, 250),
    )
    font = ImageFont.load_default(text_size)
    draw.text((6, 4), clock_text(moment), (255, 255, 255), font)
    draw.text((6, height - text_size - 8), camera, (255, 255, 255), font)
    return image


def snapshot(
    camera: str,
    label: str,
    moment: float,
    *,
    size: tuple[int, int],
    score: float,
    box: bool = True,
) -> bytes:
    """Return a JPEG of an object, with its box and score as Frigate draws them."""
    image = frame(background(camera, size), camera, moment)
    draw = ImageDraw.Draw(image)
    width, height = size
    left, top = int(width * (0.25 + 0.3 * score)), int(height * 0.3)
    right, bottom = left + int(width * 0.25), int(height * (0.4 + 0.5 * score))
    color = _color(label, 120, 255)
    draw.ellipse(
        (left + 8, top + 8, right - 8, bottom - 4), _color(label + "+", 60, 200)
    )
    if box:
        draw.rectangle((left, top, right, bottom), outline=color, width=3)
        draw.text((left + 4, top - 20), f"{label}: {score:.0%}", color)
    output = BytesIO()
    image.save(output, "JPEG", quality=70)
    return output.getvalue()
