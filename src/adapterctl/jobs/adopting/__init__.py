"""The parts of an import.

`import_sources` and `manifest` name what there is, `adapter_folder` makes it out,
`adopted_before` knows what was taken already, `hosted` takes what has no weights, `import_answer`
says what was done.
"""
