"""Asking a base with or without an adapter.

`predict` asks: `classification`, `generation`, `likelihood`; `predictor` does for MLflow;
`effect` (LoRA on against off), `probing` (single rows).
"""
