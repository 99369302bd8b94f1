"""An HTTP answer of the simulated Frigate, before it goes over the wire."""

from dataclasses import dataclass, field
import json
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer; `chunked` ones tell no length, as streamed clips."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    chunked: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, content: object, *, status: int = 200) -> Self:
        """Answer as Frigate's own program."""
        body = json.dumps(content, separators=(",", ":")).encode()
        return cls(status=status, body=body)

    @classmethod
    def failure(cls, status: int, message: str) -> Self:
        """Answer with Frigate's own shape of an error."""
        return cls.json({"success": False, "message": message}, status=status)

    @classmethod
    def not_a_number(cls, text: str) -> Self:
        """Answer to a parameter that should have been a number."""
        message = "Input should be a valid number, unable to parse string as a number"
        detail = [{"type": "float_parsing", "msg": message, "input": text}]
        return cls.json({"detail": detail}, status=422)

    @classmethod
    def nginx(cls, status: int, title: str) -> Self:
        """Answer as the nginx in front of it, with an HTML page."""
        page = (
            f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
            f"<center><h1>{status} {title}</h1></center>\r\n"
            "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        )
        return cls(status=status, body=page.encode(), content_type="text/html")

    @classmethod
    def text(cls, text: str) -> Self:
        """Answer with plain text."""
        return cls(body=text.encode(), content_type="text/plain; charset=utf-8")
