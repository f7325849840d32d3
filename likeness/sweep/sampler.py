"""The tree-structured Parzen estimator, drawing each trial's settings from a random state of its own.

A trial's suggestion then depends on the seed, its number and the trials before it, not on which worker asks: workers
that start at once do not try the same settings, and a sweep that goes on does not begin its random numbers again.

James Bergstra, Rémi Bardenet, Yoshua Bengio, Balázs Kégl. Algorithms for Hyper-Parameter Optimization. 2011.
https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState


class PerTrial(BaseSampler):
    """Optuna's own sampler, made anew for every trial."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._made: tuple[int, TPESampler] | None = None

    def _of(self, trial: FrozenTrial) -> TPESampler:
        if self._made is None or self._made[0] != trial.number:
            seed = int(np.random.SeedSequence([self.seed, trial.number]).generate_state(1)[0])
            self._made = trial.number, TPESampler(seed=seed)
        return self._made[1]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._of(trial).after_trial(study, trial, state, values)
