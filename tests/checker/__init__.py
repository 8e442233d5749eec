"""A model checker for the rules of the log: the real `fold`, `decide` and `plan`, played by hasty and unlucky actors.

`world` is the store and who acts on it, `actors` and `working` what each may do next. `promises` is what must always
hold, `search` walks through it all, `scenarios` says who meets whom, `mutants` are the rules broken on purpose. `logs`
writes legal logs for other tests.
"""
