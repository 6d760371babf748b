"""How long bases and services live, and what that means for an adapter.

`dates` are observations read as clocks, and `ledger` what a new one adds. `exposure` says which of
them hit an adapter (`regions`, `tuned` and `providers`: where, and to what), `almanac` looks all of
it up by base. `lead_times` is how long a move takes, `succession` where it could go, and
`base_ends` the ends of bases with the adapters on each.
"""
