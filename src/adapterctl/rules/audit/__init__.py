"""What an audit finds, and how its answer is cut, compared and told.

- About an adapter version: `judging`; `endings`, `training_ends` and `date_changes` about dates,
  `moves` about what to do then, `upkeep` about all else; `judged` is what they ask of it.
- About a base: `judging`, `same_weights`.
- What the world says: `presence` (pins in their place), `needs` (until when they must be), `yanked`
  (packages), `fetchable` (bases), `teams` (people).
- The answer: `since` (against an earlier one), `notices` (to whom), `overview` (as a whole).
"""
