"""Trainers of other people: `inputs` are what they are handed, `output` is what they leave.

`command_training` runs one; `facts` are for a plan.
"""
