"""`check_method`: the contract of a method, executable on anyone's.

    def test_contract():
        check_method(lambda: MyMethod(...), batch, lambda m: Adam(m.parameters()))

It raises AssertionError with the rule that was broken. The rules:

 1. `updates` yields players that are the method or parts of it, each with named, finite scalars.
 2. Every trainable parameter of a player receives a finite gradient; over the steps none stays without one.
 3. While a player moves, nobody else's parameters move, and nobody else receives a gradient.
 4. The same seed gives the same parameters, bit for bit.
 5. A second evaluation of an objective within a step, from the same buffers, gives the same terms.
 6. State saved and loaded into a fresh method continues in the same way, bit for bit.
 7. Where the method samples: shape `(n, *event)`, finite, and the same draws for a seed in any batch size.
 8. Where it has a `log_prob`: one finite number a sample, and `log_prob_kind` says what it is.
 9. Two processes with unlike parts of a batch find the gradient of the whole batch; so do pieces whose gradients are
    accumulated, unless the method says that its loss looks at the batch as a whole.
"""

import copy
from collections.abc import Callable, Collection, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from likeness import ranks
from likeness.core import Method, Optimisers, Terms, learn
from likeness.errors import InputError
from likeness.lockstep import lockstep
from likeness.sampling import draw

LOG_PROB_KINDS = ("exact", "bound", "unnormalised")


def check_method(
    build: Callable[[], Method],
    batch: Any,
    optimisers: Callable[[Method], Optimisers],
    *,
    steps: int = 3,
    idle: Collection[str] = (),
    tolerance: float = 1e-4,
) -> None:
    """Hold a method against the contract above.

    Args:
        build: makes the method; called several times, each after the same seed.
        batch: what its `updates` takes; used for every step.
        optimisers: the optimisers for such a method, as `train` wants them.
        steps: how many steps each rule is watched for; enough for lazy terms to come up.
        idle: parameters that rightly get no gradient, such as the last bias of a critic that is only compared.
        tolerance: of rule 9, as a share of the norm of a player's gradient.
    """
    _check_updates(_fresh(build), batch, optimisers, steps, idle)
    first = _run(_fresh(build), batch, optimisers, steps)
    again = _run(_fresh(build), batch, optimisers, steps)
    _same(first, again, "the same seed gave other parameters")
    _check_resume(build, batch, optimisers, steps)
    check_parts(build, batch, optimisers, steps=steps, tolerance=tolerance)
    if hasattr(first, "sample"):
        _check_sample(first)
    if hasattr(first, "log_prob"):
        _check_log_prob(first, batch)


def _fresh(build: Callable[[], Method]) -> Method:
    torch.manual_seed(0)
    return build().train()


def _run(method: Method, batch: Any, optimisers: Callable[[Method], Optimisers], steps: int) -> Method:
    moves = optimisers(method)
    torch.manual_seed(1)
    for _ in range(steps):
        learn(method, batch, moves)
    assert method.iteration == steps, f"{steps} batches were counted as {method.iteration}"
    return method


class _Watch(Optimizer):
    """Stands in for a player's optimiser and checks rules 1, 2, 3 and 5 around its step."""

    def __init__(self, base: Optimizer, method: Method, touched: set[str]) -> None:
        super().__init__([{"params": group["params"]} for group in base.param_groups], {})
        self.base, self.method, self.touched = base, method, touched
        self.player: nn.Module | None = None
        self.terms: list[Terms] = []

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        names = dict(self.method.named_parameters())
        for p in names.values():
            p.grad = None
        before = {name: p.detach().clone() for name, p in names.items()}
        buffers = {name: b.clone() for name, b in self.method.named_buffers()}
        first = closure()
        for name, b in self.method.named_buffers():
            b.copy_(buffers[name])  # running statistics and power iterations move with every evaluation
        again = closure()
        assert torch.equal(first, again), f"evaluated twice in a step, the loss was {first} and then {again}"
        assert self.player is not None
        own = {id(p) for p in self.player.parameters()}
        for name, p in names.items():
            if p.grad is not None:
                assert id(p) in own, f"{name} received a gradient while another player moved"
                assert p.grad.isfinite().all(), f"the gradient of {name} is not finite"
                if p.grad.abs().sum() > 0:
                    self.touched.add(name)
        self.base.step(closure)  # type: ignore[arg-type]
        for name, p in names.items():
            assert id(p) in own or torch.equal(p, before[name]), f"{name} moved while another player trained"
            assert p.isfinite().all(), f"{name} is not finite after the step"
        return first


def _check_updates(
    method: Method, batch: Any, optimisers: Callable[[Method], Optimisers], steps: int, idle: Collection[str]
) -> None:
    moves = optimisers(method)
    touched: set[str] = set()
    players: dict[int, nn.Module] = {}
    modules = set(method.modules())
    original = method.updates

    def updates(batch: Any) -> Iterator[tuple[nn.Module, Callable[[], Terms]]]:
        for player, objective in original(batch):
            assert player in modules, f"the player {type(player).__name__} is not a part of the method"
            players[id(player)] = player
            watches[id(player)].player = player
            yield player, lambda objective=objective: _checked_terms(objective())  # type: ignore[misc]

    bases = [(None, moves)] if isinstance(moves, Optimizer) else list(moves.items())
    made = {key: _Watch(base, method, touched) for key, base in bases}
    watches: dict[int, _Watch] = _ByPlayer(made)
    method.updates = updates  # type: ignore[method-assign]
    torch.manual_seed(1)
    for _ in range(steps):
        learn(method, batch, made.get(None, made))  # type: ignore[arg-type]
    assert players, "updates yielded no player: nothing trains"
    wanted = {id(p) for player in players.values() for p in player.parameters() if p.requires_grad}
    still = [n for n, p in method.named_parameters() if id(p) in wanted and n not in touched and n not in idle]
    assert not still, f"in {steps} steps no gradient reached {', '.join(still)}"


class _ByPlayer(dict[int, _Watch]):
    def __init__(self, made: dict[Any, _Watch]) -> None:
        super().__init__({id(player): watch for player, watch in made.items()})
        self.only = made.get(None)

    def __missing__(self, key: int) -> _Watch:
        assert self.only is not None, "a player was yielded for which no optimiser was given"
        return self.only


def _checked_terms(terms: Terms) -> Terms:
    assert terms, "an objective returned no terms"
    for name, term in terms.items():
        assert isinstance(name, str), f"the name of a term is {name!r}"
        assert isinstance(term, Tensor), f"the term {name!r} is no tensor"
        assert term.ndim == 0, f"the term {name!r} has shape {tuple(term.shape)}: reduce it to a scalar"
        assert term.isfinite(), f"the term {name!r} is {term}"
    return terms


def _check_resume(
    build: Callable[[], Method], batch: Any, optimisers: Callable[[Method], Optimisers], steps: int
) -> None:
    method = _run(_fresh(build), batch, optimisers, steps)
    torch.manual_seed(9)
    other = build().train()
    other.load_state_dict(copy.deepcopy(method.state_dict()))
    assert other.iteration == steps, "the count of steps is not part of the state"
    for m in (method, other):
        moves = optimisers(m)
        torch.manual_seed(2)
        for _ in range(steps):
            learn(m, batch, moves)
    _same(method, other, "loaded state continued in another way")


def _same(a: Method, b: Method, complaint: str) -> None:
    for (name, p), (_, q) in zip(a.state_dict().items(), b.state_dict().items(), strict=True):
        assert torch.equal(p, q), f"{complaint}: {name} differs"


def _check_sample(method: Method) -> None:
    sample: Any = method.eval().sample
    x = draw(sample, 7, generator=3, batch_size=7)
    assert x.shape[0] == 7, f"sample(7) gave shape {tuple(x.shape)}"
    assert x.isfinite().all(), "a sample is not finite"
    parts = draw(sample, 7, generator=3, batch_size=3)
    assert torch.allclose(x, parts, atol=1e-4), "the draws for a seed depend on the batch size"
    assert not torch.allclose(x, draw(sample, 7, generator=4)), "two seeds gave the same draws"


def _check_log_prob(method: Method, batch: Any) -> None:
    kind = getattr(method, "log_prob_kind", None)
    assert kind in LOG_PROB_KINDS, f"log_prob_kind is {kind!r}: say one of {LOG_PROB_KINDS}"
    log_prob: Any = method.log_prob
    value = log_prob(batch.x)
    assert value.shape == batch.x.shape[:1], f"log_prob gave shape {tuple(value.shape)} for {len(batch.x)} samples"
    assert value.isfinite().all(), "a log-probability is not finite"


def check_parts(
    build: Callable[[], Method],
    batch: Any,
    optimisers: Callable[[Method], Optimisers],
    *,
    steps: int = 3,
    tolerance: float = 1e-4,
) -> None:
    """Rule 9 alone; gradients may differ by `tolerance` times the norm of the player's whole gradient."""
    n = ranks.length(batch)
    assert n >= 3, f"a batch of {n} samples cannot be cut into unlike parts: test with 3 or more"
    if n % 2 == 0:
        n, batch = n - 1, ranks.rows(batch, 0, n - 1)
    whole: list[list[Tensor]] = []
    _followed(_fresh(build), batch, optimisers, steps, lambda grads: whole.append([g.clone() for g in grads]))

    def watch(where: str) -> Callable[[list[Tensor]], None]:
        expected = iter(whole)

        def compare(grads: list[Tensor]) -> None:
            _alike(grads, next(expected), tolerance, where)

        return compare

    def play(rank: int) -> None:
        part = ranks.world().part(n)
        mine = ranks.rows(batch, part.start, part.start + part.n)
        _followed(methods[rank], mine, optimisers, steps, watch(f"process {rank} of 2"))

    methods = [_fresh(build), _fresh(build)]
    lockstep(2, play)
    refused = ""
    try:
        _followed(_fresh(build), batch, optimisers, steps, watch("a gradient accumulated over 2 pieces"), accumulate=2)
    except InputError as error:
        refused = str(error)
    assert not refused or "whole batch" in refused, f"accumulation was refused without the reason: {refused}"


def _followed(
    method: Method,
    batch: Any,
    optimisers: Callable[[Method], Optimisers],
    steps: int,
    tell: Callable[[list[Tensor]], object],
    *,
    accumulate: int = 1,
) -> None:
    """Steps of which `tell` sees every gradient, and may put another in its place."""
    moves = optimisers(method)

    def gradients(player: nn.Module) -> None:
        tell([p.grad for p in player.parameters() if p.grad is not None])

    torch.manual_seed(1)
    for _ in range(steps):
        learn(method, batch, moves, gradients, accumulate)


def _alike(grads: list[Tensor], whole: list[Tensor], tolerance: float, where: str) -> None:
    """Compare, then go on with the gradient of the whole, so that later steps start from the same parameters."""
    assert len(grads) == len(whole), f"{where}: other parameters received a gradient than from the whole batch"
    scale = float(torch.stack([g.norm() for g in whole]).norm())
    for grad, expected in zip(grads, whole, strict=True):
        off = float((grad - expected).norm())
        assert off <= tolerance * scale + 1e-7, (
            f"{where}: a gradient is off by {off:.2g} of {scale:.2g}. Draw noise with ranks.per_sample, let what looks "
            "at the whole batch use ranks.batch_mean, total or gather, and ask ranks.ends_batch before acting on it"
        )
        grad.copy_(expected)
