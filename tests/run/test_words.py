import re

import pytest

from likeness.run.words import BASELINES, METRICS, baseline_words, metric_label, plain

DOCUMENTED = ["frechet", "kernel", "inception", "precision", "recall", "density", "coverage", "c2st", "mmd"]
DOCUMENTED += ["memorisation", "log_likelihood", "modes"]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_metric_is_explained(name: str) -> None:
    metric = METRICS[name]
    assert metric.label != name or name in ("precision", "recall", "density", "coverage", "memorisation")
    assert metric.sees.endswith(".")
    assert metric.misses.endswith(".")


def test_the_glossary_holds_no_numbers() -> None:
    """Every number of a page comes from its JSON, so none may stand in the fixed text."""
    for metric in METRICS.values():
        assert not re.search(r"\d", " ".join(metric)), metric.label


def test_unknown_names_are_read_as_they_are_written() -> None:
    assert metric_label("my_metric") == plain("my_metric") == "my metric"
    assert baseline_words("another_gan") == ("another gan", "")


@pytest.mark.parametrize("spelling", ["held-out", "held_out", "held out"])
def test_a_baseline_is_known_whichever_way_it_is_joined(spelling: str) -> None:
    assert baseline_words(spelling) == BASELINES["held-out"]
