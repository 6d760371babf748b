"""The only room that knows torch, transformers and peft; it knows neither MLflow nor DVC.

- `fleet.train` trains one adapter or many on one frozen base: `job` (in and out), `slots` (plain
  LoRA), `variants` (everything else, through PEFT's own layers), `run`, `loss`, `optimizers`,
  `schedule`, `order`. `departures` says where it differs from ``transformers.Trainer``, and why.
- Bit-identity: `determinism`, `checkpoints`, `trail`.
- From rows to tokens: `text`, `formats`, `tokenizer`, `faulty_rows`.
- A base and its adapter: `loading`, `adapted`, `adapter_files`, `inspect` (without weights).
- Asking: `predict`, `classification`, `generation`, `likelihood`; `predictor` for MLflow.
"""
