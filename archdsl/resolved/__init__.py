"""Candidates as files that stand alone: imports of the libraries only, all else written out, no choice left."""

from archdsl.resolved.writing import resolved_source as resolved_source
