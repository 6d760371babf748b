"""LoRA settings on another architecture, by the roles of its modules.

`roles` names them; `targets` asks for each, `choice`, `placing` and `overrides` answer, `carrying`
takes the rest of the settings along.
"""
