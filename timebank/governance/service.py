"""Use cases of this room, each one function and one transaction."""

from timebank.governance.changing import (
    ChangeRules,
    ChangeSettings,
    Planned,
    change_rules,
    change_settings,
    earliest_start,
    plan,
)
from timebank.governance.practice import BACK_WITHIN, Practice, open_practice, way_back, way_in
from timebank.governance.starting import (
    FirstDay,
    NoDraft,
    Started,
    answer,
    begin,
    begin_by_link,
    draft,
    enter,
    finish,
    make_setup_link,
    may_start,
    start_at_once,
)

__all__ = (
    "BACK_WITHIN",
    "ChangeRules",
    "ChangeSettings",
    "FirstDay",
    "NoDraft",
    "Planned",
    "Practice",
    "Started",
    "answer",
    "begin",
    "begin_by_link",
    "change_rules",
    "change_settings",
    "draft",
    "earliest_start",
    "enter",
    "finish",
    "make_setup_link",
    "may_start",
    "open_practice",
    "plan",
    "start_at_once",
    "way_back",
    "way_in",
)
