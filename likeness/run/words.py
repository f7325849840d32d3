"""The report's vocabulary: what a metric is called, what it sees and does not see, and how a fact reads."""

from typing import NamedTuple


class Metric(NamedTuple):
    """A metric for a reader: its name, what it responds to and what it is blind to."""

    label: str
    sees: str
    misses: str


METRICS = {
    "frechet": Metric(
        "Fréchet distance",
        "differences of the mean and the covariance of the features.",
        "memorised training images and all that two moments do not hold. It grows as samples get fewer, "
        "so it compares only between equal numbers of samples.",
    ),
    "frechet_extrapolated": Metric(
        "extrapolated Fréchet distance",
        "what the Fréchet distance sees, with the bias of few samples removed by extrapolation to infinitely many.",
        "memorised training images. The extrapolation widens the interval and can pass below zero.",
    ),
    "kernel": Metric(
        "kernel distance",
        "differences of the features up to third moments, without the bias of small samples.",
        "memorised training images. An unbiased estimate can fall below zero; its scale means nothing by itself.",
    ),
    "inception": Metric(
        "Inception-type score",
        "whether a classifier is sure of each draw and whether all of its classes come up.",
        "variety within a class, and the data themselves: it has no reference. Classifiers can be sure of noise.",
    ),
    "sharpness": Metric(
        "sharpness",
        "whether a classifier is sure of each draw.",
        "variety: one clear image repeated is perfectly sharp.",
    ),
    "diversity": Metric(
        "diversity",
        "how many of the classifier's classes come up equally often.",
        "quality, and variety within a class.",
    ),
    "precision": Metric(
        "precision",
        "the share of draws that lie near data.",
        "what is missing from the draws, and memorising. Outliers among the data flatter it.",
    ),
    "recall": Metric(
        "recall",
        "the share of data that lie near draws.",
        "poor draws: scattered ones raise it.",
    ),
    "density": Metric(
        "density",
        "how densely data surround the draws; outliers among the data count little.",
        "what is missing from the draws, and memorising.",
    ),
    "coverage": Metric(
        "coverage",
        "the share of data with a draw in their neighbourhood: modes that were lost.",
        "poor draws beside the good ones, and memorising.",
    ),
    "c2st": Metric(
        "classifier two-sample test",
        "any difference between draws and data that a classifier can learn and show on held-out samples.",
        "differences too fine for that classifier, and which kind of difference it found.",
    ),
    "mmd": Metric(
        "kernel two-sample test",
        "differences of the distributions at the width of its kernel, against chance by permutation.",
        "differences far finer or coarser than the kernel. Enough samples make any difference significant.",
    ),
    "memorisation": Metric(
        "memorisation",
        "draws that lie nearer to the training samples than unseen real data do, which themselves score one half.",
        "quality: noise is far from the training samples too.",
    ),
    "log_likelihood": Metric(
        "log-likelihood",
        "how probable the model finds unseen data, and over-fitting by the gap to the training data.",
        "how draws look: good ones can go with a poor likelihood and the reverse.",
    ),
    "bits_per_dim": Metric(
        "bits per dimension",
        "how many bits a value of unseen data costs by the code that the model is; of so many levels as stated.",
        "how draws look. Figures of data with unlike numbers of levels cannot be compared.",
    ),
    "ood_log_likelihood": Metric(
        "log-likelihood of data from elsewhere",
        "how probable the model finds data of another kind, beside those of its own.",
        "whether they are told apart sample by sample: for that see its AUROC.",
    ),
    "ood_bits_per_dim": Metric(
        "bits per dimension of data from elsewhere",
        "what data of another kind cost by the code that the model is.",
        "that simple data cost few bits under any model, also one that never saw them.",
    ),
    "ood_auroc": Metric(
        "AUROC of likelihood against data from elsewhere",
        "how often a sample of the model's kind is likelier than one from elsewhere; below one half it is less likely.",
        "how draws look.",
    ),
    "ood_energy_auroc": Metric(
        "AUROC of the energy against data from elsewhere",
        "how often a sample of the model's kind has less energy than one from elsewhere.",
        "how draws look, and what the likelihood says.",
    ),
    "nll": Metric(
        "−log-likelihood of validation data (nats)",
        "how improbable a checkpoint finds unseen data: it rises again where the model over-fits.",
        "how draws look: good ones can go with a poor likelihood and the reverse.",
    ),
    "bits_per_character": Metric(
        "bits per character of validation text",
        "how improbable a checkpoint finds unseen text: it rises again where the model over-fits.",
        "how draws read, and whether they repeat themselves.",
    ),
    "modes": Metric(
        "modes reached",
        "which of the known modes receive draws.",
        "the shape within a mode and the draws between modes.",
    ),
    "high_quality": Metric(
        "share of high quality",
        "the share of draws that lie close to a known mode.",
        "modes that receive no draws.",
    ),
    "mode_kl": Metric(
        "balance of the modes (KL, nats)",
        "whether the known modes receive draws in their true proportions.",
        "the shape within a mode and the draws between modes.",
    ),
    "marginals": Metric(
        "difference of the columns",
        "the distribution of each column by itself: Kolmogorov and Smirnov's distance for numbers, total variation for "
        "categories; the mean over the columns, and the one that is worst.",
        "everything that columns have to do with one another: columns drawn independently are perfect.",
    ),
    "gaps": Metric(
        "difference of the shares of gaps",
        "how often each column lacks its value; the mean over the columns of numbers with gaps, and the worst.",
        "which rows lack it.",
    ),
    "association": Metric(
        "difference of the associations",
        "how strongly each pair of columns hangs together: Spearman's ρ of numbers, the correlation ratio η of their "
        "ranks between numbers and categories, Cramér's V of categories; the mean over the pairs, and the worst.",
        "dependence that these do not measure (a curve that falls as much as it rises) and that of three columns.",
    ),
}

BETTER = {"higher": "↑ higher is better", "lower": "↓ lower is better", "one": "◎ best at one"}

SUBJECTS = {"raw": "raw draws", "refined": "refined draws", "data": "data", "samples": "samples"}

BASELINES = {
    "held-out": ("held-out", "real data"),
    "gaussian": ("Gaussian", "fitted to the features"),
    "memoriser": ("memoriser", "returns training data"),
    "noise": ("noise", ""),
}

SOURCES = {
    "data": "About the data",
    "training": "While training",
    "refine": "While refining",
    "judge": "While judging",
}

# What of a score's detail belongs beside its value.
DETAILS = {
    "p": "p {}",
    "known": "of {} known",
    "kind": "{}",
    "of": "of {}",
    "worst": "most in {}",
    "largest": "there {}",
}

FACTS = {
    "acceptance_rate": "acceptance rate",
    "moved": "times the running maximum moved",
    "kl": "distance from the exact target (KL, nats)",
    "total_variation": "distance from the exact target (total variation)",
    "effective_sample_size": "effective sample size",
    "seconds": "time (s)",
    "brier": "Brier score of the ratio (lower is better)",
    "auc": "separation of real from generated (AUC; one half: none)",
    "ece": "calibration error (expected, lower is better)",
    "log_loss": "log loss of the ratio (nats, lower is better)",
    "gamma": "γ",
    "train": "training",
    "event": "shape of a sample",
    "n": "samples judged",
    "n_reference": "samples of the reference",
    "heldout": "held-out",
    "dtype": "precision",
}


def metric_label(name: str) -> str:
    """The name of a metric for a reader; an unknown one is read as it is written."""
    return METRICS[name].label if name in METRICS else plain(name)


def plain(name: str) -> str:
    """A key of the JSON in words."""
    return FACTS.get(name, name.replace("_", " "))


def baseline_words(name: str) -> tuple[str, str]:
    """A baseline in words and what it is, whichever way its name is joined."""
    return BASELINES.get(name.replace("_", "-").replace(" ", "-"), (plain(name), ""))
