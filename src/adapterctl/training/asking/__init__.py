"""Asking a base with or without an adapter.

`predict` asks: `classification`, `generation`, `likelihood`; `teaching` asks a teacher
what it expects; `predictor` does for MLflow; `effect` (LoRA on against off), `probing` (single
rows).
"""
