"""What a plan has to ask of a project: bases, rows, and PEFT's own reading."""
