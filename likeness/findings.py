"""What a monitor or a judge has to say: one plain sentence of what was seen, one of what to try."""

from typing import NamedTuple


class Finding(NamedTuple):
    """A warning in words. `code` names its kind for programs ("mode-collapse"); it never changes its meaning."""

    code: str
    saw: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.saw} {self.remedy}".strip()
