"""Piccolo's view of the tables of this room; the SQL in ``migrations/timebank`` is what defines them."""

from piccolo.columns import Array, BigInt, Boolean, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from timebank.db import ENGINE


class PeerSkill(Table, tablename="peer_skill", db=ENGINE):
    """What a member offers, beside its row among the offers."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    offer_id = BigInt(null=False, default=None)
    category = Text(null=False, default=None)
    times = Array(base_column=Text(), null=False, default=list)
    hows = Array(base_column=Text(), null=False, default=list)
    is_shown = Boolean(null=False, default=True)
    check_kind = Text(null=False, default="")
    changed_at = Timestamptz(null=False, default=None)


class PeerWish(Table, tablename="peer_wish", db=ENGINE):
    """What a member would like."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    member_id = BigInt(null=False, default=None)
    category = Text(null=False, default=None)
    title = Text(null=False, default=None)
    details = Text(null=False, default="")
    minutes = Integer(null=False, default=None)
    times = Array(base_column=Text(), null=False, default=list)
    hows = Array(base_column=Text(), null=False, default=list)
    is_shown = Boolean(null=False, default=True)
    created_at = Timestamptz(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class PeerCategoryCheck(Table, tablename="peer_category_check", db=ENGINE):
    """Which check helpers need for a category."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    category = Text(null=False, default=None)
    check_kind = Text(null=False, default=None)
    set_by = BigInt(null=True, default=None)
    set_at = Timestamptz(null=False, default=None)


class PeerAsk(Table, tablename="peer_ask", db=ENGINE):
    """One member asks another, and what became of it."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    reference = Text(null=False, default=None)
    offer_id = BigInt(null=True, default=None)
    wish_id = BigInt(null=True, default=None)
    receiver_id = BigInt(null=False, default=None)
    helper_id = BigInt(null=False, default=None)
    started_by = BigInt(null=False, default=None)
    asked_by = BigInt(null=True, default=None)
    category = Text(null=False, default=None)
    title = Text(null=False, default=None)
    note = Text(null=False, default="")
    state = Text(null=False, default=None)
    waits_for = BigInt(null=True, default=None)
    minutes = Integer(null=False, default=None)
    starts_at = Timestamptz(null=True, default=None)
    how = Text(null=False, default=None)
    place = Text(null=False, default="")
    answer_by = Date(null=False, default=None)
    redemption_id = BigInt(null=True, default=None)
    receiver_said = Integer(null=True, default=None)
    helper_said = Integer(null=True, default=None)
    done_minutes = Integer(null=True, default=None)
    receiver_reach = Text(null=False, default="")
    helper_reach = Text(null=False, default="")
    created_at = Timestamptz(null=False, default=None)
    changed_at = Timestamptz(null=False, default=None)


class PeerAskEvent(Table, tablename="peer_ask_event", db=ENGINE):
    """One thing that was said or done about an ask. No actor means the service itself."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    ask_id = BigInt(null=False, default=None)
    n = Integer(null=False, default=None)
    what = Text(null=False, default=None)
    minutes = Integer(null=True, default=None)
    starts_at = Timestamptz(null=True, default=None)
    words = Text(null=False, default="")
    actor_id = BigInt(null=True, default=None)
    at = Timestamptz(null=False, default=None)


class PeerThanks(Table, tablename="peer_thanks", db=ENGINE):
    """Thanks in words, from one to the other."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    ask_id = BigInt(null=False, default=None)
    from_member_id = BigInt(null=False, default=None)
    to_member_id = BigInt(null=False, default=None)
    words = Text(null=False, default=None)
    at = Timestamptz(null=False, default=None)
    is_taken_off = Boolean(null=False, default=False)


class PeerReport(Table, tablename="peer_report", db=ENGINE):
    """What somebody reports about a member, for those who lead on safeguarding."""

    timebank_id = BigInt(null=False, default=None, primary_key=True)
    id = BigInt(null=False, default=None)
    from_member_id = BigInt(null=False, default=None)
    about_member_id = BigInt(null=False, default=None)
    ask_id = BigInt(null=True, default=None)
    words = Text(null=False, default=None)
    told_at = Timestamptz(null=False, default=None)
    due_on = Date(null=False, default=None)
    seen_by = BigInt(null=True, default=None)
    seen_at = Timestamptz(null=True, default=None)
    answer = Text(null=False, default="")
