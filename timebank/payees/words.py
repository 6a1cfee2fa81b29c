"""What finance reads about payees and their accounts. Pure."""

from timebank.payees import reading, rules

KINDS = {rules.SUPPLIER: "Supplier", rules.MEMBER: "Member", rules.CHARITY: "Charity"}
PAY_BY = {rules.BY_BANK: "By bank", rules.IN_CASH: "In cash"}
STATES = {
    rules.PROPOSED: "Waits for a second person",
    rules.IN_USE: "In use",
    rules.REPLACED: "Replaced",
    rules.REFUSED: "Refused",
    rules.WITHDRAWN: "Taken back",
}
TAGS = {
    rules.PROPOSED: "wait",
    rules.IN_USE: "good",
    rules.REFUSED: "stop",
    rules.REPLACED: None,
    rules.WITHDRAWN: None,
}
CHECKED = {
    reading.PASSED: "The number fits the sort code",
    reading.NO_RULE: "Not checked: there is no rule for this sort code",
    reading.NO_TABLE: "Not checked: no weight table is installed",
    reading.BY_IBAN: "The check digits of the IBAN are right",
    "before": "Not checked",
}
FIELDS = {
    "name": "Name",
    "supplier_reference": "Supplier number",
    "email": "E-mail",
    "town": "Town",
    "country": "Country",
    "pay_by": "How they are paid",
    "kind": "Kind",
    "is_open": "Open or closed",
}
VIEWS = {
    "open": "All",
    "missing": "No bank details",
    "waiting": "Wait for a second person",
    "closed": "Closed",
}


def payments_go_back(count: int) -> str:
    """``2 approved payments go back for approval``."""
    return f"{count} approved payment{' goes' if count == 1 else 's go'} back for approval"


def grouped(text: str, by: int) -> str:
    """A number in groups, easier to compare with paper: ``08-99-99`` needs ``by=2`` and hyphens put in."""
    return " ".join(text[n : n + by] for n in range(0, len(text), by))
