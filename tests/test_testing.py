"""The contract refuses what breaks it: each rule is broken once."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Adam

from likeness.core import Method, Update
from likeness.data.batch import Batch
from likeness.sampling import Streams, streams
from likeness.testing import check_method

BATCH = Batch(torch.ones(4, 2))


class Good(Method):
    log_prob_kind = "exact"

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)

    def updates(self, batch: Batch) -> Iterator[Update]:
        yield self, lambda: {"loss": self.b(self.a(batch.x)).square().mean()}

    def sample(self, n: int, *, generator: int | Streams | None = None) -> Tensor:
        return self.a(streams(generator).normal(n, 2))

    def log_prob(self, x: Tensor) -> Tensor:
        return -x.square().sum(1)


def check(kind: type[Method]) -> None:
    check_method(kind, BATCH, lambda m: Adam(m.parameters()))


def test_a_good_method_passes() -> None:
    check(Good)


def test_no_player() -> None:
    class Bad(Good):
        def updates(self, batch: Batch) -> Iterator[Update]:
            return iter(())

    with pytest.raises(AssertionError, match="yielded no player"):
        check(Bad)


def test_a_term_that_is_no_scalar() -> None:
    class Bad(Good):
        def updates(self, batch: Batch) -> Iterator[Update]:
            yield self, lambda: {"loss": self.b(self.a(batch.x)).square().mean(1)}

    with pytest.raises(AssertionError, match="reduce it to a scalar"):
        check(Bad)


def test_a_term_that_is_not_finite() -> None:
    class Bad(Good):
        def updates(self, batch: Batch) -> Iterator[Update]:
            yield self, lambda: {"loss": self.b(self.a(batch.x)).sum() * torch.nan}

    with pytest.raises(AssertionError, match="is nan"):
        check(Bad)


def test_an_idle_parameter() -> None:
    class Bad(Good):
        def updates(self, batch: Batch) -> Iterator[Update]:
            yield self, lambda: {"loss": self.a(batch.x).square().mean()}

    with pytest.raises(AssertionError, match=r"no gradient reached b\.weight"):
        check(Bad)


def test_somebody_else_moves() -> None:
    class Bad(Good):
        def updates(self, batch: Batch) -> Iterator[Update]:
            def objective() -> dict[str, Tensor]:
                with torch.no_grad():
                    self.b.weight.add_(1.0)
                return {"loss": self.a(batch.x).square().mean()}

            yield self.a, objective

    with pytest.raises(AssertionError, match=r"b\.weight moved|evaluated twice"):
        check(Bad)


def test_a_gradient_that_leaks() -> None:
    class Bad(Good):
        def updates(self, batch: Batch) -> Iterator[Update]:
            def objective() -> dict[str, Tensor]:
                self.b(batch.x).sum().backward()
                return {"loss": self.a(batch.x).square().mean()}

            yield self.a, objective

    with pytest.raises(AssertionError, match=r"b\.weight received a gradient"):
        check(Bad)


def test_hidden_state() -> None:
    class Bad(Good):
        calls = 0

        def updates(self, batch: Batch) -> Iterator[Update]:
            self.calls += 1
            scale = self.calls
            yield self, lambda: {"loss": scale * self.b(self.a(batch.x)).square().mean() + self.a.bias.square().sum()}

    with pytest.raises(AssertionError, match="loaded state continued in another way"):
        check_method(Bad, BATCH, lambda m: torch.optim.SGD(m.parameters(), 0.1))


def test_an_unseeded_method() -> None:
    class Bad(Good):
        def updates(self, batch: Batch) -> Iterator[Update]:
            noise = torch.randn(2, generator=torch.Generator().manual_seed(torch.Generator().seed() % 2**31))
            yield self, lambda: {"loss": self.b(self.a(batch.x) * noise).square().mean()}

    with pytest.raises(AssertionError, match="same seed gave other parameters"):
        check(Bad)


def test_draws_that_depend_on_the_batch() -> None:
    class Bad(Good):
        def sample(self, n: int, *, generator: int | Streams | None = None) -> Tensor:
            x = super().sample(n, generator=generator)
            return x - x.mean(0)

    with pytest.raises(AssertionError, match="depend on the batch size"):
        check(Bad)


def test_a_density_that_does_not_say_what_it_is() -> None:
    class Bad(Good):
        log_prob_kind = "roughly"

    with pytest.raises(AssertionError, match="log_prob_kind is 'roughly'"):
        check(Bad)
