"""Why a bank sent money back: the codes of ISO 20022 (external return reasons) in words. Pure."""

REASONS = {
    "AC01": "The account number is wrong",
    "AC03": "The account number is wrong",
    "AC04": "The account is closed",
    "AC06": "The account is blocked",
    "AC13": "The account takes no payments of this kind",
    "AG01": "This account takes no payments of this kind",
    "AG02": "The bank does not take this kind of payment",
    "AM02": "The amount is not allowed",
    "AM03": "The currency is not allowed",
    "AM04": "There was not enough money",
    "AM05": "The bank took it for a payment made twice",
    "AM09": "The amount is wrong",
    "BE01": "The name does not fit the account",
    "BE04": "The address of the payee is missing",
    "BE05": "The bank does not know who sent it",
    "BE06": "The payee is not known at this account",
    "BE07": "Our address is missing",
    "BE08": "The bank made a mistake",
    "CNOR": "The bank of the payee cannot be reached",
    "CURR": "The currency of the account is another",
    "CUST": "The payee or the payer asked for it",
    "DNOR": "Our bank is not registered there",
    "DUPL": "The bank took it for a payment made twice",
    "ERIN": "The bank does not take this option",
    "FOCR": "It was called back",
    "FR01": "The bank suspects fraud",
    "FRAD": "The bank suspects fraud",
    "MD07": "The account holder has died",
    "MS02": "The payee refused it, without a reason",
    "MS03": "The bank gave no reason",
    "NARR": "",
    "NOAS": "The payee did not answer",
    "RC01": "The sort code or BIC is wrong",
    "RC07": "The BIC of the payee's bank is wrong",
    "RF01": "The reference was used before",
    "RR01": "Details that the law asks for are missing",
    "RR02": "Details that the law asks for are missing",
    "RR03": "Details that the law asks for are missing",
    "RR04": "Rules of the bank do not allow it",
    "SVNR": "The bank did not carry it out",
    "TECH": "A technical fault at the bank",
    "TM01": "It came too late in the day",
    "UPAY": "It should not have been paid",
}


def in_words(code: str, more: str = "") -> str:
    """``AC04: The account is closed``; with what the bank adds. An unknown code stands by itself."""
    known = REASONS.get(code.upper(), "")
    words = ": ".join(part for part in (code, known) if part)
    return ". ".join(part for part in (words, more) if part)
