"""Drawing from a model of the next token: temperature, top-k, nucleus; nothing that is known is computed again.

    p_τ(v) ∝ exp(logit_v / τ)                                                         (1)
    V_p = the smallest set of the most probable tokens with Σ_{v ∈ V_p} p(v) ≥ p      (2)

τ = 0 is greedy. Each of these is a function from logits to logits; tokens that are ruled out get −∞. A draw belongs
to its seed and its index: token t of sample i is the quantile of the t-th uniform number of stream i.

Ari Holtzman, Jan Buys, Li Du, Maxwell Forbes, Yejin Choi. The Curious Case of Neural Text Degeneration. 2020.
https://arxiv.org/abs/1904.09751
"""

import math
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from likeness.errors import InputError
from likeness.sampling import Streams

Logits = Float[Tensor, "n v"]
Filter = Callable[[Tensor], Tensor]


@runtime_checkable
class TokenNetwork(Protocol):
    """Logits of the next token, of a whole sequence or one token at a time; token `vocabulary` is the beginning."""

    vocabulary: int

    def __call__(self, tokens: Tensor) -> Tensor: ...

    def start(self, n: int, length: int) -> Any: ...

    def step(self, token: Tensor, state: Any) -> tuple[Tensor, Any]: ...


def tempered(logits: Logits, tau: float) -> Logits:
    """Raises InputError where τ is below zero."""
    if tau < 0:
        raise InputError(f"temperature {tau:g}: give zero (greedy) or more")
    return logits / tau if tau else top_k(logits, 1)  # (1)


def top_k(logits: Logits, k: int) -> Logits:
    """Only the k most probable tokens. Raises InputError where k is below one."""
    if k < 1:
        raise InputError(f"top-k {k}: keep one token or more")
    kept = logits.topk(min(k, logits.shape[1])).indices
    return torch.full_like(logits, -math.inf).scatter(1, kept, logits.gather(1, kept))


def nucleus(logits: Logits, p: float) -> Logits:
    """Only V_p. Raises InputError where p is not in (0, 1]."""
    if not 0 < p <= 1:
        raise InputError(f"top-p {p:g}: give a probability above 0, 1 at most")
    ordered, place = logits.double().softmax(1).sort(dim=1, descending=True)
    beyond = ordered.cumsum(1) - ordered >= p  # what stands before it is enough already
    return logits.masked_fill(torch.zeros_like(beyond).scatter(1, place, beyond), -math.inf)  # (2)


def filters(temperature: float = 1.0, k: int | None = None, p: float | None = None) -> Filter:
    """Temperature, then top-k, then nucleus, those that are given."""

    def through(logits: Tensor) -> Tensor:
        logits = tempered(logits, temperature)
        logits = logits if k is None else top_k(logits, k)
        return logits if p is None else nucleus(logits, p)

    through(torch.zeros(1, 2))  # what is out of range is refused before any work
    return through


def chosen(logits: Logits, u: Float[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The token whose part of the cumulative distribution holds u."""
    steps = logits.double().softmax(1).cumsum(1)
    place = torch.searchsorted(steps, u.double()[:, None] * steps[:, -1:], right=True)[:, 0]
    return place.clamp_(max=logits.shape[1] - 1)


@torch.no_grad()
def generated(
    network: TokenNetwork,
    n: int,
    length: int,
    source: Streams,
    *,
    prompt: Int[Tensor, " p"] | None = None,
    through: Filter = lambda logits: logits,
    device: torch.device | str = "cpu",
    cached: bool = True,
) -> Int[Tensor, "n length"]:
    """`n` sequences of `length` tokens, the prompt's among them; the network is in evaluation mode.

    Args:
        cached: go on from the state of what is known; without, the whole is computed anew for every token.

    Raises:
        InputError: the prompt is as long as what is asked for.
    """
    known = 0 if prompt is None else len(prompt)
    if known >= length:
        raise InputError(f"a prompt of {known} tokens for texts of {length}: ask for a greater length")
    x = torch.full((n, length + 1), network.vocabulary, dtype=torch.long, device=device)
    if prompt is not None:
        x[:, 1 : known + 1] = prompt.to(device)
    u, state = source.uniform(n, length, device=device), network.start(n, length) if cached else None
    for t in range(length):
        if cached:
            logits, state = network.step(x[:, t], state)
        elif t >= known:
            logits = network(x[:, : t + 1])[:, -1]
        if t >= known:
            x[:, t + 1] = chosen(through(logits), u[:, t])
    return x[:, 1:]
