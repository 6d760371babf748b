"""Results to text and JSON; pure functions, one file per kind of answer.

`answer` is the frame of every JSON answer, `table` lays out columns.
"""
