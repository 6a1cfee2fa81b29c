"""The column profiles that come with the product. A time bank copies one and changes the copy.

Banks change their uploads and publish few of them. Where the layout of one bank is public the profile has its name and
says where that is from; the others are called generic, because several banks and bureaux take them.
"""

from timebank.payments.formats.payments_csv import Column, ColumnProfile, PaymentsCsv

CHECK = "Check against your bank's guide, and send a test file first."

GENERIC = ColumnProfile(
    columns=(
        Column("sort_code", "Sort code"),
        Column("account_number", "Account number"),
        Column("account_holder", "Name", width=18),
        Column("amount", "Amount"),
        Column("reference", "Reference"),
    ),
    letters="bacs",
)
# Often called a standard or simple import file, and asked for by several online banking services.
WITH_99 = ColumnProfile(
    columns=(
        Column("sort_code", "Sort code"),
        Column("account_holder", "Name", width=18),
        Column("account_number", "Account number"),
        Column("amount", "Amount"),
        Column("reference", "Reference"),
        Column("fixed", "Transaction code", text="99"),
    ),
    with_headings=False,
    letters="bacs",
)
NAME_FIRST = ColumnProfile(
    columns=(
        Column("account_holder", "Name", width=18),
        Column("sort_code", "Sort code"),
        Column("account_number", "Account number"),
        Column("reference", "Reference"),
        Column("amount", "Amount"),
    ),
    letters="bacs",
    sort_codes="08-99-99",
)
PENCE = ColumnProfile(
    columns=(
        Column("sort_code", "Sort code"),
        Column("account_number", "Account number"),
        Column("account_holder", "Name", width=18),
        Column("reference", "Reference"),
        Column("amount", "Pence"),
        Column("processing_on", "Date"),
    ),
    with_headings=False,
    amounts="pence",
    date_format="ddmmyyyy",
    letters="bacs",
)
IBAN = ColumnProfile(
    columns=(
        Column("account_holder", "Name", width=70),
        Column("iban", "IBAN"),
        Column("bic", "BIC"),
        Column("amount", "Amount"),
        Column("currency", "Currency"),
        Column("reference", "Reference"),
    ),
    letters="sepa",
)


def _bankline() -> ColumnProfile:
    """A standard domestic payment of NatWest's and RBS's Bankline, from their public guide to import files (CSV).

    85 columns, H001 to H003 and then T001 to T082, nearly all of them empty.
    """
    columns = [Column("empty")] * 85
    filled = {
        1: Column("fixed", text="01"),
        10: Column("our_sort_code_and_number"),
        14: Column("amount"),
        16: Column("processing_on"),
        22: Column("sort_code"),
        28: Column("account_number"),
        30: Column("account_holder", width=35),
        34: Column("reference", width=18),
    }
    for number, column in filled.items():
        columns[number + 2] = column
    return ColumnProfile(
        columns=tuple(columns),
        with_headings=False,
        date_format="ddmmyyyy",
        letters="bacs",
        extension="txt",
    )


BANKLINE = _bankline()

SHIPPED = (
    PaymentsCsv(note="For people and other programs: no bank takes it, because it holds no account numbers."),
    PaymentsCsv(GENERIC, "payments-csv:generic", "CSV, generic: sort code first", note=CHECK),
    PaymentsCsv(NAME_FIRST, "payments-csv:generic-name", "CSV, generic: name first", note=CHECK),
    PaymentsCsv(WITH_99, "payments-csv:generic-99", "CSV, generic: with transaction code 99", note=CHECK),
    PaymentsCsv(PENCE, "payments-csv:generic-pence", "CSV, generic: in pence", note=CHECK),
    PaymentsCsv(IBAN, "payments-csv:generic-iban", "CSV, generic: IBAN", note=CHECK),
    PaymentsCsv(
        BANKLINE,
        "payments-csv:bankline",
        "CSV for Bankline (NatWest, RBS)",
        note="Follows the bank's public guide for standard domestic payments. Send a test file first.",
    ),
)
