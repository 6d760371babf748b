"""Parity: what paired answers say of an old adapter and a candidate (DESIGN.md, section 5).

`verdicts` is the verdict; `side_by_side`, `measured`, `slices`, `flips` are what it looks at;
`disagreement` holds gold against shadow; `reading` picks the rows that a person reads;
`tango`, `bootstrap`, `evidence`, `sample_size` the statistics; `metrics`, `row_scores` the numbers.
"""
