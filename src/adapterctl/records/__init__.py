"""The nouns, as they stand in ``registry/``: immutable, parsed once at the door.

- `recipe`: what a person chooses; `version`: what happened; `event`: what happened later.
- `base`: a base and its identity; `catalogue`: one that many people tune.
- `lifecycle`: observations of dates and names; `parity`: the report; `probe`: answers kept.
- `reading`: text to noun, every error at once; `yaml_text`: YAML 1.2 with lines kept.
- `canonical`: noun to bytes and digests.
"""
