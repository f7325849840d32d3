"""The adversarial losses as a table: what critic and generator minimise, one value a sample.

With D(x) the critic's logit (positive means real, real = 1), r = D(x), f = D(G(z)), s(t) = log(1 + e^t):

    row            critic                        generator
    minimax        s(−r) + s(f)                  −s(f)                                              (1)
    non_saturating s(−r) + s(f)                  s(−f)                                              (2)
    least_squares  ½(r − 1)² + ½(f + 1)²         ½(f − 1)²                                          (3)
    hinge          max(0, 1 − r) + max(0, 1 + f) −f                                                 (4)
    wasserstein    f − r                         −f                                                 (5)
    relativistic   s(f − r)                      s(r − f)                                           (6)

    smoothed       (1 − α) s(−r) + α s(r) + s(f), for the critics of (1) and (2)                    (7)

Two letters differ from the papers: (3) is their 0–1 coding written for targets ±1, so that a positive output
means real; (6) pairs the i-th real with the i-th fake sample.

(1, 2) Ian Goodfellow et al. Generative Adversarial Networks. 2014. https://arxiv.org/abs/1406.2661
(3) Xudong Mao et al. Least Squares Generative Adversarial Networks. 2017. https://arxiv.org/abs/1611.04076
(4) Jae Hyun Lim, Jong Chul Ye. Geometric GAN. 2017. https://arxiv.org/abs/1705.02894
(5) Martin Arjovsky, Soumith Chintala, Léon Bottou. Wasserstein GAN. 2017. https://arxiv.org/abs/1701.07875
(6) Alexia Jolicoeur-Martineau. The Relativistic Discriminator. 2019. https://arxiv.org/abs/1807.00734;
    the form used by Yiwen Huang et al. The GAN is Dead; Long Live the GAN! 2025. https://arxiv.org/abs/2501.05441
(7) Tim Salimans et al. Improved Techniques for Training GANs. 2016. https://arxiv.org/abs/1606.03498
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

from likeness.errors import InputError

Logits = Float[Tensor, " n"]


class AdversarialLoss(NamedTuple):
    """A row of the table: `critic(real, fake)` and `generator(real, fake)` from logits (n,) to values (n,).

    Attributes:
        logistic: the optimal critic's output is log p_data/p_model itself. (The relativistic one is that up to
            a constant, and is not marked.)
        paired: the generator's loss looks at the real logits; where it does not, they may be None.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Any, Tensor], Tensor]
    logistic: bool
    paired: bool = False


def cross_entropy(real: Logits, fake: Logits, alpha: float = 0.0) -> Logits:
    """The critic of (1) and (2): −log σ(r) − log(1 − σ(f)); with `alpha`, real samples are labelled 1 − alpha."""
    loss = softplus(-real) + softplus(fake)  # (1), (2)
    return loss + alpha * real if alpha else loss  # (7), since s(r) = s(−r) + r


def saturating(real: Logits | None, fake: Logits) -> Logits:
    return -softplus(fake)  # (1)


def log_trick(real: Logits | None, fake: Logits) -> Logits:
    return softplus(-fake)  # (2)


def squares(real: Logits, fake: Logits) -> Logits:
    return 0.5 * (real - 1).square() + 0.5 * (fake + 1).square()  # (3)


def square(real: Logits | None, fake: Logits) -> Logits:
    return 0.5 * (fake - 1).square()  # (3)


def margins(real: Logits, fake: Logits) -> Logits:
    return relu(1 - real) + relu(1 + fake)  # (4)


def gap(real: Logits, fake: Logits) -> Logits:
    return fake - real  # (5)


def raise_logit(real: Logits | None, fake: Logits) -> Logits:
    return -fake  # (4), (5)


def pair_gap(real: Logits, fake: Logits) -> Logits:
    return softplus(fake - real)  # (6)


def pair_gap_reversed(real: Logits, fake: Logits) -> Logits:
    return softplus(real - fake)  # (6)


minimax = AdversarialLoss(cross_entropy, saturating, logistic=True)
non_saturating = AdversarialLoss(cross_entropy, log_trick, logistic=True)
least_squares = AdversarialLoss(squares, square, logistic=False)
hinge = AdversarialLoss(margins, raise_logit, logistic=False)
wasserstein = AdversarialLoss(gap, raise_logit, logistic=False)
relativistic = AdversarialLoss(pair_gap, pair_gap_reversed, logistic=False, paired=True)

LOSSES = {
    "minimax": minimax,
    "non_saturating": non_saturating,
    "least_squares": least_squares,
    "hinge": hinge,
    "wasserstein": wasserstein,
    "relativistic": relativistic,
}


def smoothed(loss: AdversarialLoss, alpha: float) -> AdversarialLoss:
    """The loss with one-sided label smoothing: the critic is told 1 − alpha instead of 1 for real samples.

    Its optimal logit is log (1 − α)p / (q + αp): bounded, and no longer the log-ratio (`logistic` is False).

    Raises:
        InputError: the critic's loss is no cross-entropy, or alpha is not in [0, ½).
    """
    if loss.critic is not cross_entropy:
        raise InputError("label smoothing is defined for the cross-entropy: use it with minimax or non_saturating")
    if not 0 <= alpha < 0.5:
        raise InputError(f"label smoothing {alpha}: give a share from 0 to below 0.5, such as 0.1")
    return loss._replace(critic=partial(cross_entropy, alpha=alpha), logistic=alpha == 0)
