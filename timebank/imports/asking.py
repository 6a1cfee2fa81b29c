"""What a person is asked about many lines at once. Pure."""

# Problems that a person can decide, and the answer that decides them.
QUESTIONS = {
    "unit_unknown": "unit",
    "day_missing": "day",
    "not_whole_minutes": "rounding",
    "contact_unreadable": "contacts",
    "balance_differs": "difference",
    "unknown_person": "people",
    "doubtful_person": "people",
}
ASKED = {
    "unit": ("What does a plain number of time mean?", "The file has numbers without a unit."),
    "day": ("On which day did these exchanges happen?", "The file does not say. Every line gets this day."),
    "rounding": ("What should happen to time that is not whole minutes?", "Hours are kept in whole minutes here."),
    "contacts": ("What should happen where a phone number or e-mail address cannot be read?", "The report names them."),
    "difference": (
        "What should happen where the balance in the file is another than here?",
        "The report names each of them, with both balances.",
    ),
}
