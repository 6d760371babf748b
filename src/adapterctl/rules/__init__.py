"""Decisions: no I/O, no clock, no randomness.

Rooms: `parity` (is it as good), `planning` (what would a rebuild change), `mapping` (where do its
modules go), `adoption` (what was made elsewhere), `feeds` (dates that others publish), `names`
(what bases are called), `lifecycle` (how long they live, and for whom), `audit` (what is found),
`campaign` (what moves off a base, and when).

- Adapters as they stand: `glances` (what is judged of them), `standing`, `grades`, `aliases`,
  `timeline`. `findings` are the nouns of every judgement, `codes` the list of them; `gates` are
  what registration refuses.
- How it is trained: `unpadded` (which bases run without padding), `admission` (how many at once).
- A recipe: `recipes` (contradictions, digest), `recipe_changes`, `as_used` (by another trainer),
  `trainer_commands` and `evaluator_commands` (placeholders), `trainer_output`.
- Where data lie, and until when: `bucket_urls`, `data_pins`, `retention`, `removal`, `overlap`.
- Identity: `environments`, `trails`, `redaction`, `base_files`; `weights` says what a file holds,
  `version_diff` what changed.
- Does it do anything: `effects`; and still the same: `probe`.
- `bakeoffs`: which successor leads after a trial. `recorded`: answers given elsewhere.
  `thresholds`: from which probability a service acts. `outcomes`: what jobs come back with.
"""
