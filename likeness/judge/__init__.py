"""Judging: named numbers with intervals, baselines and the protocol they were made by."""

from likeness.judge.classifier import classifier
from likeness.judge.features import FeatureSpace, pca, raw
from likeness.judge.judge import judge
from likeness.judge.score import METRICS, Score, Scores, compare

__all__ = ["METRICS", "FeatureSpace", "Score", "Scores", "classifier", "compare", "judge", "pca", "raw"]
