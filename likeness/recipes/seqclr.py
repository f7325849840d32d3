"""SeqCLR: an encoder of text lines from lines without transcriptions, for a recogniser that has few of them.

The encoder is convolutional, with a BiLSTM on it if asked for; what it gives of a line is a frame for every four
columns. The projection is left behind after training: `likeness train recogniser --encoder RUN` goes on from the
encoder, `likeness embed` gives the mean of the frames of each line. The learning rate falls to zero by a cosine.
Checkpoints are chosen by the loss of validation lines among themselves.

Aviad Aberdam et al. Sequence-to-Sequence Contrastive Learning for Text Recognition. 2021.
https://arxiv.org/abs/2012.10873
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal

from torch import nn
from torch.optim import Adam

from likeness.data.line_views import lines
from likeness.data.views import two
from likeness.errors import InputError
from likeness.nn.frames import Bidirectional, PerFrame
from likeness.nn.heads import projection
from likeness.nn.line_encoder import LineEncoder
from likeness.recipes.common import Common, Facts, Model, Range, positive, silent
from likeness.recipes.line_reading import cool, encoder_for, steps_for
from likeness.represent.seqclr import Mapping, SeqCLR, each_frame, whole_line, window
from likeness.run.learner import Learner

KINDS = ("lines",)


@dataclass(frozen=True)
class Settings(Common):
    """Learn an encoder of text lines without transcriptions."""

    instances: Literal["line", "window", "frame"] = "window"
    """What is told apart: whole lines, windows of them, or single frames."""
    windows: int = 5
    """Windows of a line."""
    projection: Literal["none", "perceptron", "bilstm"] = "bilstm"
    """What stands between the frames and the loss while it trains."""
    tau: Annotated[float, Range(0.05, 0.5, log=True)] = 0.1
    """Temperature of the contrast."""
    context: int = 0
    """Layers of a BiLSTM on the convolutions of the encoder; the paper tries 0 and 2."""
    d: Annotated[int, Range(32, 512, log=True)] = 128
    """Numbers of a frame."""
    width: Annotated[int, Range(8, 64, log=True)] = 16
    """Channels of the first stage of the encoder."""
    lr: Annotated[float, Range(1e-4, 1e-2, log=True)] = 1e-3
    """Learning rate of the first step; it falls to zero by a cosine."""


def fitting(settings: Settings, facts: Facts) -> Settings:
    """The settings with every open choice made by the data.

    Raises:
        InputError: a number is out of its range, or lines are shorter than the windows.
    """
    s = settings
    positive(s, "steps", "batch_size", "windows", "tau", "d", "width", "lr", "judge_every")
    frames = facts.event[2] // 4
    if s.instances == "window" and frames < s.windows:
        raise InputError(f"--windows {s.windows}: the widest text line has {frames} frames, use at most as many")
    size = s.batch_size or min(64, facts.n_train)
    steps = s.steps or steps_for(facts.n_train, size, epochs=10)
    return replace(s, batch_size=size, steps=steps, judge_every=s.judge_every or max(1, steps // 10))


def build(settings: Settings, facts: Facts) -> Model:
    """The encoder, its projection and their optimiser, for settings without open choices."""
    s = settings
    f = encoder_for(facts, d=s.d, width=s.width, context=s.context)
    method = SeqCLR(f, _projection(s, f), two(lines()), instances=_mapping(s), tau=s.tau).to(s.device)
    optimiser = Adam(method.parameters(), s.lr)
    state = nn.ModuleDict({"method": method})
    after = partial(cool, method, optimiser, s.lr, s.steps or 1)
    return Model(
        Learner(method, optimiser, after, state), silent, score=("contrast", method.error), encode=method.encode
    )


def _mapping(s: Settings) -> Mapping:
    made: dict[str, Any] = {"line": whole_line, "window": window(s.windows), "frame": each_frame}
    return made[s.instances]


def _projection(s: Settings, f: LineEncoder) -> nn.Module | None:
    match s.projection:
        case "perceptron":
            return PerFrame(projection(f.d, hidden=f.d, out=f.d))
        case "bilstm":
            return Bidirectional(f.d, f.d, width=f.d)
    return None
