"""What each feed of lifecycle dates means: its rows become observations, or say why not.

A module per feed, named after it; `rows` holds the nouns they share, and `meaning` the table.
"""
