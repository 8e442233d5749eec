"""A model checker for the rules of the log: the real `fold`, `decide` and `plan`, played by hasty and unlucky actors.

`world` is the store and who acts on it, `actors` what each of them may do next, `promises` what must always hold,
`search` the ways to walk through it all, `mutants` the rules broken on purpose, `logs` legal logs for other tests.
"""
