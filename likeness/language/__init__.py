"""Sequences of tokens: models of the next one, ways to draw, and what a text repeats."""

from likeness.language.generate import generated, nucleus, tempered, top_k
from likeness.language.language_model import LanguageModel
from likeness.language.repetition import Repetition, repetition

__all__ = ["LanguageModel", "Repetition", "generated", "nucleus", "repetition", "tempered", "top_k"]
