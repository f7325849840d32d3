"""Card: what an autoencoder's code keeps, and what it is good for: noise, anomalies, few labels, bits, sequences.

David Rumelhart, Geoffrey Hinton, Ronald Williams. 1986. https://doi.org/10.1038/323533a0
Pierre Baldi, Kurt Hornik. 1989. https://doi.org/10.1016/0893-6080(89)90014-2
Pascal Vincent et al. Extracting and Composing Robust Features with Denoising Autoencoders. 2008.
https://doi.org/10.1145/1390156.1390294
Pankaj Malhotra et al. LSTM-based Encoder-Decoder for Multi-sensor Anomaly Detection. 2016.
https://arxiv.org/abs/1607.00148
"""

from typing import NamedTuple

from likeness.papers import _autoencoder_codes, _autoencoder_jobs, _autoencoder_shapes
from likeness.papers._autoencoder_training import images
from likeness.papers.card import Card, Numbers, Scale


class Budget(NamedTuple):
    """What a scale affords; empty tuples and zeros leave a part out."""

    widths: tuple[int, ...]
    shuffled: tuple[int, ...]
    sigmas: tuple[float, ...]
    classes: tuple[int, ...]
    maps: tuple[int, ...]
    epochs: int
    draws: int
    waves: int
    wave_epochs: int
    mnist: int
    mnist_epochs: int


WIDTHS, SHUFFLED = _autoencoder_codes.WIDTHS, _autoencoder_codes.SHUFFLED
SIGMAS, MAPS, ALL = _autoencoder_jobs.SIGMAS, _autoencoder_shapes.MAPS, tuple(range(10))
BUDGETS: dict[Scale, Budget] = {
    "quick": Budget((2, 8, 32), (8,), (0.3,), (0, 8), (), 50, 3, 1000, 12, 0, 0),
    "laptop": Budget(WIDTHS, SHUFFLED, SIGMAS, ALL, MAPS, 150, 10, 3000, 60, 10_000, 10),
    "gpu": Budget(WIDTHS, SHUFFLED, SIGMAS, ALL, MAPS, 300, 50, 10_000, 200, 50_000, 40),
}


def measure(seed: int, scale: Scale) -> Numbers:
    b = BUDGETS[scale]
    data = images("digits", seed)
    found, plain = _autoencoder_codes.sweep(data, b.widths, b.epochs, seed)
    found |= {f"deep{d}.explained": _autoencoder_codes.explained(found, d) for d in b.widths}
    found |= _autoencoder_codes.independence(data, b.shuffled, b.epochs, seed)
    found |= _autoencoder_codes.few_labels(data, plain, 2 * b.epochs, b.draws, seed)
    found |= _autoencoder_codes.compression(data, plain)
    found |= _autoencoder_jobs.denoising(data, b.sigmas, 2 * b.epochs, seed)
    found |= _autoencoder_jobs.anomalies(data, b.classes, b.epochs // 2 + 5, seed)
    found |= _autoencoder_jobs.one_class(data, b.classes, 3 * b.epochs, seed)
    found |= _autoencoder_shapes.convolutional(data, b.maps, b.epochs, seed) if b.maps else {}
    found |= _autoencoder_shapes.sequences(b.waves, b.wave_epochs, seed)
    if b.mnist and _autoencoder_jobs.has_mnist():
        found |= _autoencoder_jobs.mnist(b.mnist, b.mnist_epochs, seed)
    return found


CARD = Card(
    "autoencoders",
    "Autoencoders: what a code keeps, and what it is good for",
    "https://doi.org/10.1145/1390156.1390294",
    "Digits of 8×8 pixels through codes of 1 to 32 numbers, beside as many principal components. A deep network says "
    "more with few numbers, and is beaten by components where the code is wide: it is training that limits it there, "
    "not the code. Where each pixel is shuffled over the images for itself there is little to learn. A denoising "
    "autoencoder takes noise away, against the clean image; its code helps where labels are few, a plain one does not. "
    "What cannot be said again is unlike the training data; the threshold, set by held-out normals, keeps its rate of "
    "false alarms. On MNIST the digit 1 is the known exception: it is said again better than what was learned. Then "
    "codes that keep their place, which are not within 1.3 times the error of as many principal components on every "
    "seed, and sequences through an LSTM.",
    measure,
    _autoencoder_codes.CLAIMS + _autoencoder_jobs.CLAIMS + _autoencoder_shapes.CLAIMS,
)
