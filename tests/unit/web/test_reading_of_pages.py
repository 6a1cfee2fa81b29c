"""The measure of words itself: what counts as a sentence, whose words count, and how hard it is."""

from tests.reading import HARDEST_GRADE, reading_of, sentences

PAGE = """<title>No</title><header>Not this</header><main><h1>My hours</h1>
<p>You have <bdi>4 hours</bdi>. Ask <bdi>Dilys Pryce-Jones</bdi>.<svg><text>no</text></svg></p>
<label>When?</label><div hidden>Not seen</div><p>See <a href="/">your
bookings</a> first<br>Then go.</p><span aria-hidden="true">No</span><input value="no"><p>One · Two</p></main>
<footer>No</footer>"""


def test_blocks_and_full_stops_end_sentences_and_names_are_one_word() -> None:
    assert sentences(PAGE) == [
        "My hours", "You have 4 hours.", "Ask Ali.", "When?", "See your bookings first", "Then go.", "One", "Two",
    ]  # fmt: skip


def test_long_sentences_are_found() -> None:
    long = " ".join(["word"] * 16) + "."
    assert reading_of(f"<main><p>{long} Short.</p></main>").longer_than(15) == [long]


def test_the_grade_tells_plain_words_from_others() -> None:
    plain = reading_of("<main><p>You have 4 hours. You can use them now. Tap the one you like.</p></main>")
    hard = reading_of(
        "<main><p>Notwithstanding the aforementioned eligibility determination, participants demonstrating"
        " insufficient accumulated entitlement will be systematically disqualified.</p></main>"
    )
    assert plain.grade < HARDEST_GRADE < hard.grade
