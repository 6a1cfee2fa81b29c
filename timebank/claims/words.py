"""What people read about their claims: the names of states, steps and kinds."""

from timebank.claims import access_rules, rules
from timebank.kit.words import mark

STATE_NAMES = {
    rules.DRAFT: mark("Not sent yet"),
    rules.SENT: mark("Someone looks at it"),
    rules.ASKED: mark("We have a question"),
    rules.AGREED: mark("Agreed"),
    rules.DECLINED: mark("Not paid"),
}
STATE_TAGS = {
    rules.DRAFT: "info",
    rules.SENT: "wait",
    rules.ASKED: "stop",
    rules.AGREED: "good",
    rules.DECLINED: None,
}
STEP_NAMES = {
    "sent": "Sent",
    "taken_back": "Taken back",
    "asked": "Asked",
    "answered": "Answered",
    "agreed": "Agreed",
    "declined": "Not paid",
}
PICTURES = {
    rules.BUS: "bus",
    rules.TRAIN: "map",
    rules.TAXI: "place",
    rules.MILEAGE: "key",
    rules.CARER: "together",
    rules.MEAL: "food",
    rules.OTHER: "list",
}
ACCESS_STATES = {
    access_rules.BOOKED: "Booked",
    access_rules.GIVEN: "Money is out",
    access_rules.SETTLED: "Settled",
    access_rules.CANCELLED: "Cancelled",
}
ACCESS_TAGS = {
    access_rules.BOOKED: "good",
    access_rules.GIVEN: "wait",
    access_rules.SETTLED: "good",
    access_rules.CANCELLED: None,
}
ACCESS_NAMES = {
    access_rules.TAXI: mark("A taxi"),
    access_rules.CARER: mark("A carer or supporter"),
    access_rules.INTERPRETER: mark("An interpreter"),
    access_rules.OTHER: mark("Something else"),
}
