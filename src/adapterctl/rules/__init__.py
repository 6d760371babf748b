"""Decisions: no I/O, no clock, no randomness.

Rooms: `parity` (is it as good), `planning` (what would a rebuild change), `mapping` (where do its
modules go), `adoption` (what was made elsewhere), `feeds` (dates that others publish), `names`
(what bases are called).

- How long things live: `dates` (observations as clocks), `exposure` (which of them apply to an
  adapter; `regions`, `tuned` and `providers` say where and to what), `lifecycle` (all of it, looked
  up by base), `lead_times`, `ledger`.
- What the audit says of it: `endings`, `training_ends`, `date_changes`, and who comes after,
  `succession` and `moves`; `judged` is what they ask of a version. `codes` is the list of them,
  `findings`, `judging`, `standing`, `grades`, `timeline` the rest. `gates` are what registration
  refuses.
- How it is trained: `unpadded` (which bases run without padding).
- A recipe: `recipes` (contradictions, digest), `recipe_changes`, `as_used` (by another trainer),
  `trainer_commands` (placeholders), `trainer_output`.
- Where data lie, and until when: `bucket_urls`, `data_pins`, `retention`, `removal`, `overlap`.
- Identity: `environments`, `trails`, `aliases`, `redaction`, `same_weights`, `base_files`;
  `weights` says what a file holds, `version_diff` what changed.
- Does it do anything: `effects`; and still the same: `probe`.
- `outcomes`: what jobs come back with.
"""
