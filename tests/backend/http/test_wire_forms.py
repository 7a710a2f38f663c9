"""Form bodies with brackets become trees, and nothing else gets in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.http.stripe_wire.errors import WireError
from backend.http.stripe_wire.forms import DEPTH_MAX, PARAMETERS_MAX, parse_form


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        (b"", {}),
        (b"a=1&b=", {"a": "1", "b": ""}),
        (b"a", {"a": ""}),
        (b"a=x%20y+z%26", {"a": "x y z&"}),
        (b"m[k]=v&m[l][x]=w", {"m": {"k": "v", "l": {"x": "w"}}}),
        (b"a[0]=x&a[1]=y", {"a": ["x", "y"]}),
        (b"a[]=x&a[]=y", {"a": ["x", "y"]}),
        (b"a[7]=y&a[2]=x", {"a": ["x", "y"]}),
        (b"a[0][k]=x&a[1][k]=y", {"a": [{"k": "x"}, {"k": "y"}]}),
        (b"a%5Bk%5D=v", {"a": {"k": "v"}}),
        ("n=ä€".encode(), {"n": "ä€"}),
    ],
)
def test_a_form_becomes_a_tree(raw: bytes, tree: object) -> None:
    assert parse_form(raw) == tree


@pytest.mark.parametrize(
    "raw",
    [
        b"a[b=1", b"a]b=1", b"a[[b]]=1", b"[a]=1", b"a[b]c=1", b"=1", b"a[b][=1",
        b"a=1&a=2", b"a=1&a[b]=2", b"a[b]=1&a=2", b"a[0]=1&a[b]=2", b"a[99999]=1", b"a=%ff",
        b"a" * 501 + b"=1",
        b"a" + b"[b]" * DEPTH_MAX + b"=1",
        b"&".join(b"a%d=1" % index for index in range(PARAMETERS_MAX + 1)),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_is_refused(raw: bytes) -> None:
    with pytest.raises(WireError) as refused:
        parse_form(raw)
    assert refused.value.status == 400
    assert not refused.value.keeps


@given(st.binary(max_size=60) | st.text("ab[]=&%0", max_size=40).map(str.encode))
def test_any_bytes_are_a_tree_or_refused(raw: bytes) -> None:
    refusal = None
    try:
        tree = parse_form(raw)
    except WireError as refused:
        refusal = refused
    assert refusal.status == 400 if refusal else isinstance(tree, dict)
