"""What a base is called: one comparable form for every spelling that is safe to compare.

Two names are one base only when a rule or a row of a table says so; what no rule knows is compared
as it stands, but for capitals. Sizes, versions, instruct and chat, context lengths and dated
snapshots are parts of a name and keep names apart.

- `stated`: what an adapter's config says of its base, by the form of the text alone.
- `families`: how the families of open weights spell their repositories on the Hub.
- `mirrors`: repositories that republish another one's weights.
- `renames`: repositories of the Hub that have a new name.
- `spellings`: how providers write the names of open weights; `known` is the table of those that
  no rule gives.
- `meanings`: all of it together: what one name means.
- `joins`: which names in the feeds are a base's.
- `catalogued`: which entry of the catalogue a base is.
"""
