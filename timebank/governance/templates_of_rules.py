"""Rules to begin with. Everything in them can be changed later, together."""

from dataclasses import dataclass

from timebank.banks.rules import Rules


@dataclass(frozen=True, slots=True)
class RulesTemplate:
    """A set of rules to begin with, and one sentence that says whom it suits."""

    name: str
    title: str
    sentence: str
    rules: Rules


RULES_TEMPLATES = (
    RulesTemplate(
        "usual",
        "The usual rules",
        "A coordinator logs groups; only long or late entries need a second person.",
        Rules(),
    ),
    RulesTemplate(
        "careful",
        "A careful start",
        "A second person looks at everything over 4 hours or a month late.",
        Rules(approval_above_minutes=4 * 60, approval_above_minutes_per_week=16 * 60, approval_after_days=30,
              max_days_back=180),
    ),
    RulesTemplate(
        "trusting",
        "Trust first",
        "What people log for themselves counts at once, up to 3 hours.",
        Rules(self_log_approved_up_to_minutes=3 * 60, self_log_days_back=90, member_floor_minutes=0),
    ),
)  # fmt: skip


def template(name: str) -> RulesTemplate | None:
    """The template of this name, or None."""
    return next((each for each in RULES_TEMPLATES if each.name == name), None)
