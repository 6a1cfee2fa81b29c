"""Cyclos: the list of members with their balances, as its administrators export and import it.

The balance is in hours. A credit limit is not taken over: here the rules of the time bank say how low a balance may go.
"""

from timebank.imports.formats.base import Field, Format

FORMATS = (
    Format(
        name="cyclos-members",
        label="Cyclos: members and their balances",
        kind="members",
        source="cyclos",
        unit="hours",
        fields=(
            Field("name", "Name", ("name", "full name", "member name"), is_needed=True),
            Field("code", "Login name", ("username", "user name", "login name", "login"), is_needed=True),
            Field("email", "E-mail", ("email", "e mail")),
            Field("joined", "Joined on", ("creationdate", "creation date", "registration date", "activation date")),
            Field("balance", "Balance", ("balance", "account balance")),
            Field("limit", "Credit limit", ("creditlimit", "credit limit", "lower credit limit")),
            Field("phone", "Phone", ("phone", "mobile", "mobile phone", "mobilephone", "landline phone")),
        ),
        positions=("name", "code", "email", "joined", "balance", "limit"),
        min_cells=2,
        example=(
            "name,username,email,creationdate,balance,creditlimit\nAda Example,ada,ada@example.org,2012-05-04,-1.5,20"
        ),
    ),
)
