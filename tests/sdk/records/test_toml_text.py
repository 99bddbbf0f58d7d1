"""TOML that means harm is no TOML."""

from __future__ import annotations

import tomllib

import pytest
from vendorkit.records.toml_text import load_toml


@pytest.mark.parametrize("part", ["a", '"a b"', "'.'"])
@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "[[{}]]", "a = {{ {} = 1 }}"])
def test_keys_of_too_many_parts_are_refused(form: str, part: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match="more than 64 parts"):
        load_toml(form.format(" . ".join([part] * 300_000)).encode())
    assert load_toml(form.format(".".join([part, "b", "c"])).encode())


def test_nesting_is_told() -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match="nested too deeply"):
        load_toml(b"a = " + b"[" * 100_000)
    assert load_toml(b'a = ["1.2.3", "x' + b"a-" * 100_000 + b'"]')["a"][0] == "1.2.3"
