"""The page of a diagnosis: what is wrong first, then everything that was looked at, with its numbers."""

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from likeness.doctor.part import Part
from likeness.files import replacing
from likeness.findings import Finding
from likeness.run.markup import ABSENT, document, interval, is_number, number, section
from likeness.run.words import metric_label

LABELS = {
    "sigma": "σ of the decoder",
    "beta": "β",
    "effective_sigma": "σ that is trained, given β, sums and means",
    "kl_weight": "weight of the KL",
    "threshold": "σ above which a linear VAE collapses",
    "linear_directions": "directions of the data that a linear VAE uses",
    "kl": "KL (nats)",
    "active": "active latents",
    "d_z": "latents",
    "gap": "difference (nats)",
    "accuracy": "accuracy of a classifier, codes against prior",
    "frechet_prior": "Fréchet distance, means decoded from the prior",
    "frechet_codes": "Fréchet distance, means decoded from codes of unseen data",
    "train": "training samples (nats)",
    "unseen": "unseen samples (nats)",
    "elbo": "ELBO (nats)",
    "iw64": "IW₆₄ (nats)",
    "inference_gap": "IW₆₄ − ELBO (nats)",
    "ais": "annealed chains (nats)",
    "ais_gap": "annealed chains − ELBO (nats)",
    "error": "squared error",
    "negative_elbo": "−ELBO (nats)",
    "means": "Fréchet distance of means",
    "samples": "Fréchet distance of samples",
    "variance": "variance of prior draws (means)",
}


def write(parts: Sequence[Part], folder: Path, title: str) -> Path:
    """Write `diagnosis.html` into the folder of the run; pictures are embedded."""
    page = render(parts, folder, title)
    with replacing(folder / "diagnosis.html") as beside:
        beside.write_text(page, encoding="utf-8")
    return folder / "diagnosis.html"


def render(parts: Sequence[Part], folder: Path, title: str, *, lead: str = "", foot: str = "") -> str:
    """The page as HTML; `lead` is a sentence on what it is, `foot` is HTML for its end."""
    told = [f for part in parts for f in part.findings]
    about = f'<p class="made">{escape(lead)}</p>' if lead else ""
    head = f"<header><h1>{escape(title)}</h1>{about}{_verdict(told)}</header>"
    return document(escape(title), head + "".join(_part(part, folder) for part in parts) + foot)


def _verdict(told: Sequence[Finding]) -> str:
    if not told:
        return '<p class="verdict better">Nothing was found wrong.</p>'
    many = "One thing is" if len(told) == 1 else f"{len(told)} things are"
    return f'<p class="verdict worse">{many} to be looked at.</p>{_findings(told)}'


def _findings(told: Sequence[Finding]) -> str:
    items = (
        f'<li class="user"><b>{escape(f.saw)}</b> {escape(f.remedy)} <code>{escape(f.code)}</code></li>' for f in told
    )
    return f"<ul>{''.join(items)}</ul>" if told else ""


def _part(part: Part, folder: Path) -> str:
    words = "".join(f"<p>{escape(sentence)}</p>" for sentence in part.words)
    pictures = "".join(_picture(folder / path, part.title) for path in part.pictures)
    charts = f'<div class="charts">{"".join(part.charts)}</div>' if part.charts else ""
    body = words + _findings(part.findings) + charts + pictures + _numbers(part.numbers)
    return section(part.anchor, escape(part.title), body)


def _picture(path: Path, title: str) -> str:
    source = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
    return f'<figure><img class="plot" style="max-width:100%" src="{source}" alt="{escape(title)}"></figure>'


def _numbers(numbers: Mapping[str, Any]) -> str:
    """Rows of a name and a value, or of several named values."""
    rows, columns = "", list(next((v for v in numbers.values() if isinstance(v, Mapping)), {}))
    for name, value in numbers.items():
        if isinstance(value, Mapping):
            cells = "".join(f"<td>{_value(value[c])}</td>" for c in columns)
        elif isinstance(value, list):
            continue  # it is drawn
        else:
            cells = f'<td colspan="{max(1, len(columns))}">{_value(value)}</td>'
        rows += f'<tr><th scope="row">{escape(_label(name))}</th>{cells}</tr>'
    head = "".join(f'<th scope="col">{escape(_label(c))}</th>' for c in columns)
    head = f"<thead><tr><th></th>{head}</tr></thead>" if columns else ""
    return f'<div class="scroll"><table>{head}<tbody>{rows}</tbody></table></div>' if rows else ""


def _label(name: str) -> str:
    return LABELS.get(name, metric_label(name))


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{number(value[0])} {interval(value[1], value[2])}"
    if is_number(value):
        return number(value)
    return ABSENT if value is None else escape(str(value))
