"""A method as scikit-learn knows such things: `fit`, `transform`, parameters for a search, a place in a pipeline.

make_pipeline(Representation(SimCLR(f, g, views), steps=2000), LogisticRegression()).fit(X, y)
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from likeness.core import Method, train
from likeness.data.batching import batches
from likeness.data.memory import InMemory
from likeness.errors import InputError


@runtime_checkable
class Encodes(Protocol):
    """A method that gives features of samples."""

    def encode(self, x: Tensor) -> Tensor: ...


class Representation(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What a method learns from samples without being asked for a prediction.

    `fit` trains a copy, from the weights that `method` was given with, so that fitting twice gives the same. The copy
    is `method_`; `losses_` are the terms of a hundred steps in its course.

    Args:
        method: has `updates` and `encode`; what needs classes to train gets those that `fit` is given.
        event: the shape of a sample, where rows of X are flattened ones: (1, 28, 28); as X is if not given.
        optimiser: makes the optimiser of its parameters; Adam if not given.
        lr: its learning rate, where none is made by `optimiser`.
    """

    def __init__(
        self,
        method: Method,
        *,
        steps: int = 1000,
        batch_size: int = 256,
        lr: float = 1e-3,
        optimiser: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
        event: Sequence[int] | None = None,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.method, self.steps, self.batch_size, self.lr = method, steps, batch_size, lr
        self.optimiser, self.event, self.seed, self.device = optimiser, event, seed, device

    def fit(self, X: Any, y: Any = None) -> "Representation":
        """Learn from samples (n, *event): an array or a tensor, images in [-1, 1]; `y` are labels 0, 1, …

        Raises:
            InputError: the method has no `encode`, samples are not finite or too few for a batch, labels do not fit.
        """
        if not isinstance(self.method, Encodes):
            raise InputError(f"{type(self.method).__name__} has no encode(x): give a method that learns features")
        x = self._samples(X)
        labels = None if y is None else torch.as_tensor(np.asarray(y))
        if labels is not None and len(labels) != len(x):
            raise InputError(f"{len(x)} samples and {len(labels)} labels: give one label a sample")
        known = None if labels is None or labels.is_floating_point() else labels.long()
        self.method_ = copy.deepcopy(self.method).to(self.device)
        self.n_features_in_ = x[0].numel()
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self._train(InMemory(x, known))
        self.method_.eval()
        self._n_features_out = self.transform(x[:1].numpy()).shape[1]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Features (n, d) of samples, float32."""
        check_is_fitted(self, "method_")
        x = self._samples(X)
        if x[0].numel() != self.n_features_in_:
            raise InputError(f"samples of {x[0].numel()} numbers, it learned {self.n_features_in_}: make them alike")
        parts = [self.method_.encode(part.to(self.device)).cpu() for part in x.split(256)]
        return torch.cat(parts).flatten(1).float().numpy()

    def _train(self, split: InMemory) -> None:
        made = self.optimiser or (lambda params: Adam(params, self.lr))
        found = batches(split, min(self.batch_size, len(split)), seed=self.seed, steps=self.steps, device=self.device)
        every, self.losses_ = max(1, self.steps // 100), []
        for step in train(self.method_, found, made(self.method_.parameters())):
            if step.iteration % every == 0:
                self.losses_.append({name: float(term) for name, term in step.terms.items()})

    def _samples(self, X: Any) -> Tensor:
        x = torch.as_tensor(np.asarray(X), dtype=torch.float32)
        if x.ndim < 2 or not len(x):
            raise InputError(
                f"samples of shape {tuple(x.shape)}: give (n, d) or (n, channels, height, width), n above 0"
            )
        if not bool(x.isfinite().all()):
            row = int((~x.flatten(1).isfinite()).any(1).nonzero()[0])
            raise InputError(f"sample {row} holds NaN or infinity: leave it out or fill it")
        if self.event is None:
            return x
        size = int(np.prod(tuple(self.event)))
        if x[0].numel() != size:
            raise InputError(f"samples of {x[0].numel()} numbers cannot be {tuple(self.event)}: give another event")
        return x.reshape(len(x), *self.event)
