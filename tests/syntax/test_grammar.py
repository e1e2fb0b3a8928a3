"""The grammar is strictly LALR(1), its tokens do not overlap, and the tables are kept between processes."""

import os
from pathlib import Path

import pytest
from lark import Lark

from archdsl.resources import resource
from archdsl.source import Source
from archdsl.syntax.grammar import STARTS, grammar
from archdsl.syntax.parse import parse
from archdsl.syntax.tokens import tokenize

ROOT = Path(__file__).parents[2]
FOLDERS = ("examples", "archdsl/std", "archdsl/zoo", "searchspaces")
SHIPPED = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.arch"))


@pytest.fixture(scope="module")
def strict() -> Lark:
    text = resource("grammars/arch.lark").read_text("utf-8")
    return Lark(text, parser="lalr", lexer="basic", start=list(STARTS), keep_all_tokens=True, strict=True)


def test_the_grammar_has_no_conflict_and_no_overlapping_tokens(strict):
    assert "LALR_Parser" == type(strict.parser.parser).__name__


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_tokens_are_those_of_the_basic_lexer(strict, path):
    text = path.read_text("utf-8")
    expected = [(token.type, str(token), token.start_pos, token.end_pos) for token in strict.lex(text)]
    found = tokenize(Source(path.name, text)).tokens
    assert expected == [(token.type, token.text, token.span.start, token.span.end) for token in found]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_line_ends_mean_nothing(path):
    text = path.read_text("utf-8")
    tokens = tokenize(Source(path.name, text)).tokens
    on_one_line = " ".join(token.text for token in tokens)
    assert parse(Source("b", text)).file.items == parse(Source("a", on_one_line)).file.items


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    """A cache folder that no grammar was kept in yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ARCHDSL_CACHE", str(folder))
    grammar.cache_clear()
    yield folder
    grammar.cache_clear()


def parses() -> bool:
    return parse(Source("a.arch", "let a = 1 + 2")).diagnostics == ()


def test_tables_are_kept(fresh_cache):
    assert parses()
    (kept,) = fresh_cache.iterdir()
    before = kept.stat().st_mtime_ns
    grammar.cache_clear()
    assert parses()
    assert before == kept.stat().st_mtime_ns


def test_damaged_tables_are_made_anew(fresh_cache):
    assert parses()
    (kept,) = fresh_cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    grammar.cache_clear()
    assert parses()
    assert kept.stat().st_size > 1000


def test_a_cache_that_others_may_write_to_is_not_used(fresh_cache):
    fresh_cache.mkdir(mode=0o777)
    os.chmod(fresh_cache, 0o777)
    assert parses()
    assert [] == list(fresh_cache.iterdir())


def test_a_cache_that_cannot_be_made_is_no_fault(fresh_cache):
    fresh_cache.write_text("no folder")
    assert parses()
