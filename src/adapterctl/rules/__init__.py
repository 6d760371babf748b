"""Decisions: no I/O, no clock, no randomness.

- How long things live: `lifecycle`, `ledger`, `endings`, `runways`; what the audit says of it:
  `codes` is the list of them, `findings`, `judging`, `standing`, `grades`, `timeline` the rest.
- Is it as good: `parity` is the verdict; `side_by_side`, `measured`, `slices`, `flips` are what it
  looks at; `tango`, `bootstrap`, `evidence`, `sample_size` the statistics; `metrics`, `row_scores`
  the numbers.
- What a rebuild would change: `plans`; `roles`, `choice`, `placing`, `carrying`, `overrides`,
  `targets` map LoRA to another architecture; `differences`, `estimates` say the rest.
- A team's own trainer: `trainer_commands` (placeholders), `trainer_plans`, `trainer_output`.
- Where data lie, and until when: `bucket_urls`, `retention`.
- Identity: `recipes` (contradictions, digest), `environments`, `trails`, `aliases`, `redaction`,
  `same_weights`; `weights` says what a file holds, `version_diff` what changed.
- What was made elsewhere: `adoption`, `hosted`; `adapter_configs`, `adapter_names`, `base_names`,
  `base_mirrors`, `peft_releases`, `manifests` read it; `base_files`: a base by its list of files.
- Does it do anything: `effects`; and still the same: `probe`.
- `outcomes`: what jobs come back with.
"""
