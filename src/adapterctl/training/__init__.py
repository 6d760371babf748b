"""The only room that knows torch, transformers and peft; it knows neither MLflow nor DVC.

Rooms: `rows` (from rows to tokens), `learning` (step by step), `asking` (what it answers).

- `learning.fleet.train` trains one adapter or many on one frozen base. `refusals` comes before,
  `twin` is what PEFT makes of the settings, `variants` everything but plain LoRA. `departures`
  says where it differs from ``transformers.Trainer``, and why.
- Bit-identity: `determinism`, `identity` (whose).
- A base and its adapter: `loading`, `faces` (several heads over one trunk), `adapted`,
  `adapter_files`; without weights `blueprint`, `inspect`.
- Runs of other trainers: `callback`, `ended_run`.
"""

import os

# Threads that wait for one another sleep instead of spinning: a wake-up per parallel region on an
# idle machine, ten times as fast on a shared one (seen: 7 s instead of 80). It changes no result,
# and is read once, when torch is first imported; what the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
