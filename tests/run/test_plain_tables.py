from likeness.run.plain_tables import tables


def test_rows_are_shown_under_their_title_and_escaped() -> None:
    rows = [{"scale": 0.5, "a < b": 0.125}, {"scale": 2.0, "a < b": None}]
    body = tables({"tables": {"Guidance & more": rows, "empty": []}})
    assert "<h3>Guidance &amp; more</h3>" in body
    assert "<th>a &lt; b</th>" in body
    assert body.count("<tr>") == 3
    assert 'value="0.125"' in body
    assert "empty" not in body


def test_words_stand_at_the_left_and_numbers_at_the_right() -> None:
    body = tables({"tables": {"t": [{"text": "par", "n": 1}, {"text": None, "n": 2}]}})
    assert '<th class="words">text</th><th>n</th>' in body
    assert body.count('<td class="words">') == 2


def test_no_tables_no_body() -> None:
    assert tables({}) == ""
