"""Reading a CSV file that is not in order: nothing is lost but what is broken."""

from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from infra.importing.csv_rows import CsvRows, Record


def read(text: str | bytes) -> list[Record]:
    return list(CsvRows(BytesIO(text.encode() if isinstance(text, str) else text)))


def cells(text: str | bytes) -> list[tuple[str, ...]]:
    return [record.cells for record in read(text)]


def test_plain_records() -> None:
    assert cells('a,b\r\n1,"x, y"\r\n') == [("a", "b"), ("1", "x, y")]


def test_the_byte_order_mark_is_no_part_of_the_first_cell() -> None:
    assert cells(b"\xef\xbb\xbfa,b\n") == [("a", "b")]


def test_blank_lines_are_passed_over_and_lines_still_counted() -> None:
    assert [(record.line, record.cells) for record in read("a,b\n\n  \n1,2\n,\n")] == [
        (1, ("a", "b")),
        (4, ("1", "2")),
        (5, ("", "")),
    ]


def test_a_cell_may_have_line_breaks() -> None:
    records = read('1,"two\nlines"\n2,x\n')
    assert [(record.line, record.cells) for record in records] == [(1, ("1", "two\nlines")), (3, ("2", "x"))]
    assert [record.size_bytes for record in records] == [14, 4]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    records = read('1,a\n2,"never closed\n3,c\n4,"(40.1, -73.2)"\n5,e\n')
    assert [record.cells[0] if record.cells else None for record in records] == ["1", None, "3", "4", "5"]
    assert [record.line for record in records] == [1, 2, 3, 4, 5]
    assert "not a CSV record" in str(records[1].problem)


def test_an_unclosed_quote_before_a_long_rest_costs_its_own_line_only() -> None:
    rest = "".join(f"{n},x\n" for n in range(40_000))
    records = read('0,"never\n' + rest)
    assert len(records) == 40_001
    assert [record.problem is not None for record in records[:3]] == [True, False, False]


def test_bytes_that_are_not_utf_8_cost_their_own_line_only() -> None:
    records = read(b"1,a\n" + "2,Café\n".encode("latin-1") + "3,Café\n".encode())
    assert [record.cells for record in records] == [("1", "a"), (), ("3", "Café")]
    assert "byte 6 of the line is not UTF-8" in str(records[1].problem)


def test_a_nul_is_refused() -> None:
    assert "NUL" in str(read("1,a\0b\n")[0].problem)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_to_the_end(data: bytes) -> None:
    for record in read(data):
        assert bool(record.cells) is (record.problem is None)


@given(st.lists(st.text(st.sampled_from('ab",\n 1'), max_size=12), min_size=1, max_size=8))
def test_every_line_is_covered_once(lines: list[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    starts = [record.line for record in read(text)]
    assert starts == sorted(set(starts))
    assert sum(record.size_bytes for record in read(text)) <= len(text.encode())
