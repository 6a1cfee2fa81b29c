"""Any spreadsheet saved as CSV, under headings: members, balances, or exchanges. People may say what a column holds."""

from timebank.imports.formats.base import Field, Format

SOURCE = "spreadsheet"
_EMAIL = Field("email", "E-mail", ("email", "e mail", "mail", "email address", "e mail address"))
_CODE = Field(
    "code", "Number in your own list", ("number", "member number", "no", "nr", "id", "member id", "member no", "ref")
)
_BALANCE_HEADINGS = ("balance", "hours", "saldo", "time", "time balance", "current balance", "minutes")

FORMATS = (
    Format(
        name="members",
        label="Another spreadsheet: members",
        kind="members",
        source=SOURCE,
        unit="",
        fields=(
            Field("name", "Name", ("name", "full name", "member", "member name", "who", "person"), is_needed=True),
            Field("first", "First name", ("first name", "forename", "given name")),
            Field("last", "Last name", ("last name", "surname", "family name")),
            _CODE,
            _EMAIL,
            Field("phone", "Phone", ("phone", "telephone", "mobile", "phone number", "tel")),
            Field("joined", "Joined on", ("joined", "joined on", "date joined", "member since", "start date")),
            Field("born", "Date of birth", ("date of birth", "born", "dob", "birthday")),
            Field("balance", "Balance", ("balance", "saldo", "time balance", "current balance")),
        ),
        example="Name,Number,E-mail,Phone,Joined\nAda Example,17,ada@example.org,01632 960 001,4 May 2012",
    ),
    Format(
        name="balances",
        label="Another spreadsheet: balances",
        kind="balances",
        source=SOURCE,
        unit="",
        fields=(
            Field("name", "Who", ("name", "full name", "member", "member name", "who", "person"), is_needed=True),
            Field("first", "First name", ("first name", "forename", "given name")),
            Field("last", "Last name", ("last name", "surname", "family name")),
            _CODE,
            _EMAIL,
            Field("balance", "Balance", _BALANCE_HEADINGS, is_needed=True),
        ),
        example="Name,Balance\nAda Example,4:30\nBen Sample,-1:15",
    ),
    Format(
        name="exchanges",
        label="Another spreadsheet: exchanges",
        kind="exchanges",
        source=SOURCE,
        unit="",
        fields=(
            Field(
                "payer",
                "Who received help",
                ("receiver", "received by", "to", "for", "recipient", "helped", "buyer", "payer"),
                is_needed=True,
            ),
            Field(
                "payee",
                "Who gave it",
                ("giver", "given by", "from", "by", "provider", "helper", "seller", "payee"),
                is_needed=True,
            ),
            Field("amount", "How long", ("amount", "hours", "time", "minutes", "duration", "length"), is_needed=True),
            Field("date", "When", ("date", "day", "when", "exchange date")),
            Field(
                "words", "What for", ("description", "what", "notes", "note", "service", "reason", "words", "activity")
            ),
            Field(
                "number", "Number of the exchange", ("exchange number", "exchange id", "transaction id", "reference")
            ),
        ),
        example="Date,Given by,Received by,Time,What\n12/04/2016,Ada Example,Ben Sample,1:30,Repaired a lamp",
    ),
)
