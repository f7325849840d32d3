"""`likeness embed RUN --data DATA`: the codes of new data, row by row, from any run with an encoder."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from likeness.app.console import say
from likeness.app.inputs import OnData, for_run, in_parts
from likeness.app.together import together
from likeness.data.export import write
from likeness.recipes.pipeline import reopen
from likeness.recipes.spaces import encoder


@dataclass(frozen=True, kw_only=True)
class Options(OnData):
    """The codes of new data."""

    out: Path | None = None
    """Where to: .npy, .npz, .csv or .parquet; codes.npy in the run if not given."""


def run(options: Options) -> None:
    with together(options.device, options.threads) as where:
        session = reopen(options.run, which=options.checkpoint, device=where)
        encode = encoder(session)
        codes = in_parts(encode, for_run(session, options.data, options.part), device=where)
        path = write(codes, options.out or options.run / "codes.npy")
        d_z, d = codes.shape[1], prod(session.facts.event)
        say(f"wrote codes of {len(codes)} samples to {path}: {d_z} numbers for {d} ({d_z / d:.0%})")
