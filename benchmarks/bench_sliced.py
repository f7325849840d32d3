"""A training step of score matching at 100 dimensions, in slices and by the exact trace; a thousand chains at once.

The same network and the same batch. The exact trace back-propagates once a dimension, all of them as one batch: the bar
is held against that, the faster form. One after the other, as it is usually written, stands beside it. Then Langevin
chains of 20 steps, all in one call and by a loop over chains.
"""

import statistics

import torch
from harness import record, side_by_side
from torch import nn
from torch.optim import Adam

from likeness.chains.langevin import unadjusted
from likeness.core import learn
from likeness.data.batch import Batch
from likeness.data.truth import Mixture
from likeness.energy.score_matching import Score, exact
from likeness.energy.scores import ScoreMatching
from likeness.energy.sliced import variance_reduced
from likeness.nn.vector import MLP
from likeness.sampling import Streams

D, N, CHAINS = 100, 64, 1000


def one_by_one(s: Score, x: torch.Tensor) -> torch.Tensor:
    """`exact` with a loop over the dimensions."""
    x = x.detach().requires_grad_()
    value = s(x)
    trace = torch.zeros(len(x))
    for i in range(D):
        trace = trace + torch.autograd.grad(value[:, i].sum(), x, create_graph=True)[0][:, i]
    return value.square().sum(1) / 2 + trace


FORMS = {"sliced": variance_reduced, "exact trace": exact, "exact trace one by one": one_by_one}


def main() -> None:
    torch.set_num_threads(1)
    batch = Batch(torch.randn(N, D))
    work = {}
    for name, objective in FORMS.items():
        torch.manual_seed(0)
        method = ScoreMatching(MLP(D, D, width=128, activation=nn.SiLU), objective)
        moves = Adam(method.parameters(), fused=True)
        work[name] = lambda method=method, moves=moves: learn(method, batch, moves)
    times = side_by_side(work, rounds=41)
    pairs = zip(times["exact trace one by one"], times["sliced"], strict=True)
    ratio = round(statistics.median(a / b for a, b in pairs), 2)
    print(f"against the trace one by one: {ratio}")
    facts = {"dimensions": D, "batch": N, "ratio_to_the_trace_one_by_one": ratio}
    record("sliced", times, reference="exact trace", bar=20.0, better="higher", facts=facts)
    chains()


def chains() -> None:
    truth = Mixture(torch.tensor([[2.5, 2.5], [-2.5, -2.5]]), 0.8, weights=torch.tensor([0.8, 0.2]))
    x = truth.sample(CHAINS, generator=0)

    def walk(x: torch.Tensor, source: Streams) -> torch.Tensor:
        *_, x = unadjusted(truth.score, x, steps=20, step_size=0.1, source=source)
        return x

    work = {
        "chains in one call": lambda: walk(x, Streams(0)),
        "chains one by one": lambda: torch.cat([walk(x[i : i + 1], Streams(0, i)) for i in range(CHAINS)]),
    }
    together, apart = (done() for done in work.values())
    assert torch.allclose(together, apart, atol=1e-5)
    times = side_by_side(work, rounds=3, warm=1)
    record("chains", times, reference="chains one by one", bar=100.0, better="higher", facts={"chains": CHAINS})


if __name__ == "__main__":
    main()
