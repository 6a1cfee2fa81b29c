"""``make catalogues``: collect the words of pages and rules, and bring the translations up to date.

What is translated stays; what is no longer said goes; what is new waits with an empty translation. The files name no
person, date or place in the code, so that they change only when words do.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "timebank" / "languages" / "catalogues"
KEYWORDS = {
    "_": None, "gettext": None, "ngettext": (1, 2), "say": None, "say_n": (2, 3), "mark": None, "mark_n": (1, 2),
}  # fmt: skip


def collect() -> Catalog:
    """Every text that pages and rules mark for translation."""
    with (ROOT / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    found = Catalog()
    for name, _, text, comments, _ in extract_from_dir(
        str(ROOT), methods, options, KEYWORDS, comment_tags=("For translators:",), directory_filter=_is_ours
    ):
        if name.startswith("timebank"):
            found.add(text, None, auto_comments=comments)
    return found


def _is_ours(folder: str) -> bool:
    name = Path(folder).name
    return not name.startswith(".") and name not in ("node_modules", "static", "build", "dist", "tests")


def read(code: str) -> Catalog:
    """The translations into a language as they stand; empty when there are none yet."""
    path = FOLDER / f"{code}.po"
    if not path.is_file():
        return Catalog(locale=code)
    with path.open("rb") as source:
        return read_po(source, locale=code)


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts that wait for a translation, or have only some of their plural forms."""
    waiting = []
    for message in catalogue:
        if not message.id:
            continue
        forms = message.string if isinstance(message.string, list | tuple) else (message.string,)
        if not all(forms):
            waiting.append(message.id[0] if isinstance(message.id, list | tuple) else message.id)
    return waiting


def main() -> None:
    """Write the files and say how far each language is."""
    words = collect()
    for code in ("cy", "es", "ar"):
        catalogue = read(code)
        catalogue.update(words, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        body = BytesIO()
        write_po(body, catalogue, no_location=True, omit_header=True, sort_output=True, width=0, ignore_obsolete=True)
        header = (
            f"# The words of Timebank's participant pages in {catalogue.locale.english_name}.\n"
            'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
            f'"Language: {code}\\n"\n"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
        )
        (FOLDER / f"{code}.po").write_text(header + body.getvalue().decode(), "utf-8")
        print(f"{code}: {len(catalogue)} texts, {len(untranslated(catalogue))} without a translation")


if __name__ == "__main__":
    main()
