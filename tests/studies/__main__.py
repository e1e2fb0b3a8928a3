"""Carries studies out and reports them: `python -m tests.studies hybrid`."""

import sys
from importlib import import_module

from tests.studies.study import carried_out, report


def main(names: list[str]) -> None:
    for name in names:
        study = import_module(f"tests.studies.{name}").STUDY
        results = carried_out(study)
        print(report(study, results))


if __name__ == "__main__":
    main(sys.argv[1:])
