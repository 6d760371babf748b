"""The only room that knows torch, transformers and peft; it knows neither MLflow nor DVC.

- `fleet.train` trains one adapter or many on one frozen base: `job` (in and out), `refusals`,
  `twin` (what PEFT makes of the settings), `slots` (plain LoRA), `variants` (everything else,
  through PEFT's own layers), `run` (step by step). `departures` says where it differs from
  ``transformers.Trainer``, and why.
- A step: `schedule` and `order` (which rows), `passes` (which together), `loss`, `dropout`,
  `initial` (where it starts), `optimizers`.
- Bit-identity: `determinism`, `checkpoints`, `identity` (whose), `trail`.
- From rows to tokens: `text`, `formats`, `tokenizer`, `faulty_rows`.
- A base and its adapter: `loading`, `adapted`, `adapter_files`; without weights
  `blueprint`, `inspect`.
- Asking: `predict`, `classification`, `generation`, `likelihood`; `predictor` for MLflow;
  `effect` (LoRA on against off), `probing` (single rows).
"""

import os

# Threads that wait for one another sleep instead of spinning: a wake-up per parallel region on an
# idle machine, ten times as fast on a shared one (seen: 7 s instead of 80). It changes no result,
# and is read once, when torch is first imported; what the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
