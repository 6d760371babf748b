"""Adapters that exist already: what their files say, and what they lack.

`adopted` grades them, `hosted` those whose weights are at a provider; `adapter_configs`,
`peft_keys`, `peft_releases` read configs (what these call their base is for `rules.names`),
`adapter_names` what to call them, `manifests` a team's list, `foreign_configs` the settings of
other tools.
"""
