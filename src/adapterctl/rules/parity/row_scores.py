"""How good one answer is: a score from 0 to 1 for one row."""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import cache, lru_cache
from typing import Any

from adapterctl.errors import MissingExtra
from adapterctl.records.parity import Prediction

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def same_label(row: Prediction) -> float:
    """Returns 1 for the right label, else 0."""
    return float(row.output == row.reference)


def same_text(row: Prediction) -> float:
    """Returns 1 when the texts agree apart from white space at both ends, else 0.

    Nothing else is forgiven: SQuAD's exact match drops punctuation, which makes 1.5 equal 15.
    """
    return float(row.output.strip() == row.reference.strip())


def token_f1(row: Prediction) -> float:
    """Returns the F1 of the words that both texts share, as SQuAD's evaluation script counts.

    P. Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text" (2016):
    small letters, without punctuation and articles, words counted as often as they stand. When
    one text has no words left, 1 if the other has none either, else 0.
    """
    answered, wanted = _words(row.output), _words(row.reference)
    if not answered or not wanted:
        return float(answered == wanted)
    shared = sum((Counter(answered) & Counter(wanted)).values())
    return 2 * shared / (len(answered) + len(wanted))


def rouge_l(row: Prediction) -> float:
    """Returns ROUGE-L's F-measure by the rouge-score package, without stemming."""
    return _rouge_l(row.reference, row.output)


@lru_cache(maxsize=2**15)
def _rouge_l(wanted: str, answered: str) -> float:
    """Kept, because values, intervals and slices ask for the same rows again."""
    return float(_rouge().score(wanted, answered)["rougeL"].fmeasure)


def _words(text: str) -> list[str]:
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


@cache
def _rouge() -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ModuleNotFoundError:
        raise MissingExtra("train", needed_for="the metric rouge_l") from None
    return RougeScorer(["rougeL"], use_stemmer=False)
