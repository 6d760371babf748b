from __future__ import annotations

import pytest

from adapterctl.records.parity import Prediction
from adapterctl.rules.parity.row_scores import rouge_l, token_f1


def row(output: str, reference: str) -> Prediction:
    return Prediction(id="0", output=output, reference=reference)


# Worked by hand after SQuAD's evaluation script: small letters, no punctuation, no articles.
TOKEN_F1 = {
    "the same words": ("The cat sat.", "a cat sat", 1.0),
    "another order": ("sat cat", "cat sat", 1.0),
    "half of the words": ("cat", "cat sat down", 0.5),
    "a word counts as often as both have it": ("cat cat", "cat", 2 / 3),
    "nothing in common": ("dog", "cat", 0.0),
    "no words on both sides": ("The!", "", 1.0),
    "no words on one side": ("", "cat", 0.0),
}

# ROUGE-L (Lin, 2004): F-measure of the longest common subsequence.
ROUGE_L = {
    "Lin's example: police killed the gunman": ("police kill the gunman", 3 / 4),
    "Lin's example: the order matters": ("the gunman kill police", 2 / 4),
}


@pytest.mark.parametrize("case", TOKEN_F1)
def test_token_f1_counts_shared_words(case):
    output, reference, expected = TOKEN_F1[case]

    assert token_f1(row(output, reference)) == pytest.approx(expected)


@pytest.mark.parametrize("case", ROUGE_L)
def test_rouge_l_follows_the_longest_common_subsequence(case):
    output, expected = ROUGE_L[case]

    assert rouge_l(row(output, "police killed the gunman")) == pytest.approx(expected)
