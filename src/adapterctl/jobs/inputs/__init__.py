"""The five sources where they stand: found, read, checked and pinned.

`base_folder`: where a base lies, and whether it is still itself; `base_entry`: its file.
`code_root` and `recipe_code`: whose files a recipe needs; `watching` runs them. `sources` gathers,
`pinning` pins; `retention` looks how long buckets keep the data.
"""
