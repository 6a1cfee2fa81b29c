"""Komunitin: the file of many transfers (From, To, Description, Amount), with or without headings.

It has no days: a person says which day its lines are entered for. Amounts are in the currency of the group, which for a
time bank is hours.
"""

from timebank.imports.formats.base import Field, Format

FORMATS = (
    Format(
        name="komunitin-transfers",
        label="Komunitin: transfers",
        kind="exchanges",
        source="komunitin",
        unit="hours",
        fields=(
            Field("payer", "From", ("from", "from account", "payer"), is_needed=True),
            Field("payee", "To", ("to", "to account", "payee"), is_needed=True),
            Field("words", "Description", ("description", "concept")),
            Field("amount", "Amount", ("amount",), is_needed=True),
            Field("date", "When", ("date", "created", "day")),
        ),
        positions=("payer", "payee", "words", "amount"),
        min_cells=4,
        example="From,To,Description,Amount\nDEMO0001,DEMO0002,Repaired a lamp,1.5",
    ),
)
