"""Every place where the service keeps something about a member: what they get when they download it, and what goes
when they leave.

One list for all rooms, on purpose: a promise to show everything and to erase everything is kept in one place or not at
all. A test compares it with the database: every column that refers to a member is in a trace or has a reason not to be.
"""

from dataclasses import dataclass

ANONYMOUS = "A former member"
GONE = "–"
"""What stands in for an erased text that may not be empty."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one table keeps about a member: ``columns`` are those that name them.

    ``title`` heads it in the download; empty leaves it out. ``select`` and each statement of ``erase`` take the time
    bank and the member. ``is_private``: only for the member's own eyes, not for a coordinator who downloads for them.
    """

    table: str
    columns: tuple[str, ...]
    title: str
    select: str = ""
    erase: tuple[str, ...] = ()
    is_private: bool = False


def _rows(table: str, column: str = "member_id", order: str = "1") -> str:
    return f"select t.* from {table} t where t.timebank_id = $1 and t.{column} = $2 order by {order}"  # noqa: S608


def _simple(table: str, title: str, *erase: str, column: str = "member_id", is_private: bool = False) -> Trace:
    return Trace(table, (column,), title, _rows(table, column), erase, is_private)


def _delete(table: str, column: str = "member_id") -> str:
    return f"delete from {table} where timebank_id = $1 and {column} = $2"  # noqa: S608


FORGET_MEMBER = f"""
update member
   set display_name = '{ANONYMOUS}', name_key = '', email = '', phone = '', contact_route = 'none', can_offer = '',
       note = '', postal_address = '', language = 'en', format_preference = 'screen', access_needs = '',
       emergency_name = '', emergency_phone = '', contact_member_id = null, upload_id = null, changed_by = null,
       standing_choice = 'hours', standing_to_id = null, easy_read = false, large_text = false, hours_shown = 'have',
       skills_shown_to = 'members', statement_checks = false, quiet_from = null, quiet_until = null,
       status = 'left', revision = revision + 1
 where timebank_id = $1 and id = $2
"""  # noqa: S608
# The person may be a member elsewhere: this membership belongs to nobody known from now on.
UNLINK_PERSON = """
with nobody as (insert into person (created_at) select created_at from member where timebank_id = $1 and id = $2
    returning id)
update member set person_id = (select id from nobody) where timebank_id = $1 and id = $2
"""
# Some answers that are remembered for retries carry a name.
FORGET_ANSWERS = """
update idempotency
   set response = jsonb_set(response, '{display_name}', '""')
 where timebank_id = $1 and jsonb_typeof(response) = 'object'
   and response ->> 'display_name' = (select display_name from member where timebank_id = $1 and id = $2)
"""

TRACES = (
    # Texts that hang on contributions and bookings go before what they hang on.
    Trace(
        "photo",
        ("member_id",),
        "Photos",
        "select id, added_at, width, height, content from photo where timebank_id = $1 and member_id = $2 order by id",
        (
            (
                "update evidence e set words = '', photo_id = null from contribution c "
                "where e.timebank_id = $1 and c.timebank_id = $1 and c.id = e.contribution_id and c.member_id = $2"
            ),
            (
                "update evidence e set photo_id = null from photo p "
                "where e.timebank_id = $1 and p.timebank_id = $1 and p.id = e.photo_id and p.member_id = $2"
            ),
            _delete("photo"),
        ),
    ),
    Trace(
        "contribution",
        ("member_id",),
        "Time you gave",
        """
        select c.*, a.name as activity, e.words as in_your_words,
               (select jsonb_agg(jsonb_build_object('at', g.changed_at, 'step', g.step, 'before', g.minutes_before,
                                                    'after', g.minutes_after, 'reason', g.reason) order by g.n)
                  from contribution_change g
                 where g.timebank_id = c.timebank_id and g.contribution_id = c.id) as changes
          from contribution c
          left join activity a on a.timebank_id = c.timebank_id and a.id = c.activity_id
          left join evidence e on e.timebank_id = c.timebank_id and e.contribution_id = c.id
         where c.timebank_id = $1 and c.member_id = $2
         order by c.held_on, c.id
        """,
        (
            (
                "update contribution_change g set reason = '' from contribution c where g.timebank_id = $1 "
                "and c.timebank_id = $1 and c.id = g.contribution_id and c.member_id = $2"
            ),
            (
                "update contribution set state = 'declined', decision_reason = '' "
                "where timebank_id = $1 and member_id = $2 and state = 'submitted'"
            ),
            (
                "update contribution set what = '', flagged = '', duplicate_reason = '', decision_reason = '', "
                "evidence = '', how_agreed = '' where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    Trace(
        "contribution_receiver",
        ("member_id",),
        "Help you got",
        """
        select c.held_on, c.minutes, c.what, r.minutes as you_paid_minutes
          from contribution_receiver r
          join contribution c on c.timebank_id = r.timebank_id and c.id = r.contribution_id
         where r.timebank_id = $1 and r.member_id = $2
         order by c.held_on, c.id
        """,
    ),
    Trace(
        "contribution",
        ("credited_id",),
        "Hours others let you have",
        "select held_on, minutes from contribution where timebank_id = $1 and credited_id = $2 order by id",
    ),
    Trace(
        "code_view",
        (),
        "Who looked at your voucher codes",
        "select b.reference, v.at, v.how, m.display_name as who from code_view v "
        "join redemption b on b.timebank_id = v.timebank_id and b.id = v.redemption_id "
        "join member m on m.timebank_id = v.timebank_id and m.id = v.seen_by "
        "where v.timebank_id = $1 and b.member_id = $2 order by v.at, v.id",
    ),
    Trace(
        "voucher",
        (),
        "Your vouchers",
        "select b.reference, v.state, v.made_at, v.expires_at, v.returns_hours, "
        "(select jsonb_agg(jsonb_build_object('day', u.used_on, 'at', u.at, 'number', u.reference) order by u.n) "
        "from voucher_use u where u.timebank_id = v.timebank_id and u.voucher_id = v.id) as used from voucher v "
        "join redemption b on b.timebank_id = v.timebank_id and b.id = v.redemption_id "
        "where v.timebank_id = $1 and b.member_id = $2 order by v.id",
    ),
    Trace(
        "redemption",
        ("member_id",),
        "Bookings",
        """
        select b.reference, o.title, b.minutes, b.state, b.benefit_text, b.requested_at, b.cancel_until, b.changed_at,
               b.entry_id, b.refund_entry_id,
               (select jsonb_agg(jsonb_build_object('at', v.at, 'state', v.state, 'reason', v.reason) order by v.n)
                  from redemption_event v where v.timebank_id = b.timebank_id and v.redemption_id = b.id) as steps
          from redemption b
          join offer o on o.timebank_id = b.timebank_id and o.id = b.offer_id
         where b.timebank_id = $1 and b.member_id = $2
         order by b.requested_at, b.id
        """,
        (
            (
                "update redemption_event v set reason = '' from redemption b "
                "where v.timebank_id = $1 and b.timebank_id = $1 and b.id = v.redemption_id and b.member_id = $2"
            ),
        ),
    ),
    Trace(
        "fee",
        ("member_id",),
        "Fees",
        """
        select f.reference, f.activity, f.held_on, f.minutes, f.pence, f.state,
               (select jsonb_agg(jsonb_build_object('at', c.at, 'how', c.how, 'pence', c.pence, 'to', y.name,
                                                    'standing', c.is_standing, 'note', c.note) order by c.id)
                  from fee_choice c
                  left join payee y on y.timebank_id = c.timebank_id and y.id = c.payee_id
                 where c.timebank_id = f.timebank_id and c.fee_id = f.id) as choices
          from fee f
         where f.timebank_id = $1 and f.member_id = $2
         order by f.held_on, f.id
        """,
        (
            (
                "update fee_choice c set how_agreed = '' from fee f "
                "where c.timebank_id = $1 and f.timebank_id = $1 and f.id = c.fee_id and f.member_id = $2"
            ),
        ),
    ),
    Trace(
        "fee_standing",
        ("member_id",),
        "What you chose for every fee",
        "select s.how, y.name as charity, s.note, s.changed_at from fee_standing s "
        "left join payee y on y.timebank_id = s.timebank_id and y.id = s.payee_id "
        "where s.timebank_id = $1 and s.member_id = $2",
        (_delete("fee_standing"),),
    ),
    Trace(
        "offer",
        ("provider_id",),
        "What you offer",
        "select title, summary, description, price_minutes, place, access_notes, is_open from offer "
        "where timebank_id = $1 and provider_id = $2 order by id",
        (
            (
                "update peer_skill s set is_shown = false from offer o where s.timebank_id = $1 and o.timebank_id = $1 "
                "and o.id = s.offer_id and o.provider_id = $2"
            ),
            (
                f"update offer set is_open = false, title = 'Help from {ANONYMOUS.lower()}', summary = '', "  # noqa: S608
                "description = '', place = '', access_notes = '', search_key = '' "
                "where timebank_id = $1 and provider_id = $2"
            ),
        ),
    ),
    Trace(
        "peer_wish",
        ("member_id",),
        "What you would like",
        "select title, details, category, minutes, times, hows, is_shown, created_at from peer_wish "
        "where timebank_id = $1 and member_id = $2 order by id",
        (
            (
                f"update peer_wish set is_shown = false, title = '{GONE}', details = '' "  # noqa: S608
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    Trace(
        "peer_ask",
        ("receiver_id", "helper_id", "started_by", "waits_for"),
        "Help between you and other members",
        """
        select a.reference, a.title, a.state, a.minutes, a.starts_at, a.created_at, r.display_name as for_whom,
               h.display_name as by_whom, a.receiver_said, a.helper_said, a.done_minutes,
               case when a.started_by = $2 then a.note else '' end as your_note,
               case when a.receiver_id = $2 then a.receiver_reach else a.helper_reach end as how_to_reach_you
          from peer_ask a
          join member r on r.timebank_id = a.timebank_id and r.id = a.receiver_id
          join member h on h.timebank_id = a.timebank_id and h.id = a.helper_id
         where a.timebank_id = $1 and $2 in (a.receiver_id, a.helper_id)
         order by a.id
        """,
        (
            (
                "update peer_ask_event e set words = '' from peer_ask a where e.timebank_id = $1 "
                "and a.timebank_id = $1 and a.id = e.ask_id and e.actor_id = $2 and $2 in (a.receiver_id, a.helper_id)"
            ),
            (
                "update peer_ask set receiver_reach = case when receiver_id = $2 then '' else receiver_reach end, "  # noqa: S608
                "helper_reach = case when helper_id = $2 then '' else helper_reach end, "
                "note = case when started_by = $2 then '' else note end, "
                f"title = case when $2 = started_by or $2 = helper_id then '{GONE}' else title end, "
                "state = case state when 'asked' then 'ended' else state end, "
                "waits_for = null "
                "where timebank_id = $1 and $2 in (receiver_id, helper_id)"
            ),
        ),
    ),
    Trace(
        "peer_thanks",
        ("from_member_id",),
        "Thanks you wrote",
        "select words, at, is_taken_off from peer_thanks where timebank_id = $1 and from_member_id = $2 order by at",
        ("update peer_thanks set words = '', is_taken_off = true where timebank_id = $1 and from_member_id = $2",),
    ),
    Trace(
        "peer_thanks",
        ("to_member_id",),
        "Thanks you got",
        "select words, at from peer_thanks "
        "where timebank_id = $1 and to_member_id = $2 and not is_taken_off order by at",
    ),
    Trace(
        "member_block",
        ("member_id",),
        "Whom you do not want to meet",
        """
        select m.display_name, b.blocked_at
          from member_block b join member m on m.timebank_id = b.timebank_id and m.id = b.blocked_id
         where b.timebank_id = $1 and b.member_id = $2 order by b.blocked_at
        """,
        (
            _delete("member_block"),
            _delete("member_block", "blocked_id"),
        ),
        is_private=True,
    ),
    Trace(
        "peer_report",
        ("from_member_id",),
        "What you reported about a member",
        "select told_at, words, seen_at, answer from peer_report "
        "where timebank_id = $1 and from_member_id = $2 order by id",
        is_private=True,
    ),
    Trace(
        "waiting",
        ("member_id",),
        "Waiting lists",
        """
        select o.title, o.starts_at, w.state, w.joined_at, w.how_agreed, w.offered_at, w.answer_until
          from waiting w
          join offer o on o.timebank_id = w.timebank_id and o.id = w.offer_id
         where w.timebank_id = $1 and w.member_id = $2
         order by w.id
        """,
        (
            (
                "update waiting set how_agreed = '', "
                "state = case when state in ('waiting', 'offered') then 'left' else state end "
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    Trace(
        "claim",
        ("member_id",),
        "What you claimed back",
        """
        select c.reference, c.state, c.sent_at, c.how_agreed, c.decided_at,
               (select jsonb_agg(jsonb_build_object('day', l.day, 'what', l.kind, 'pence', l.pence, 'for', l.what_for,
                                                    'no_receipt', l.no_receipt_why, 'not_paid', l.decline_reason)
                                 order by l.n)
                  from claim_line l where l.timebank_id = c.timebank_id and l.claim_id = c.id) as costs,
               (select jsonb_agg(jsonb_build_object('at', e.at, 'step', e.step, 'words', e.words) order by e.n)
                  from claim_event e where e.timebank_id = c.timebank_id and e.claim_id = c.id) as steps
          from claim c
         where c.timebank_id = $1 and c.member_id = $2
         order by c.id
        """,
        (
            (
                "delete from claim_line l using claim c where l.timebank_id = $1 and c.timebank_id = $1 "
                "and c.id = l.claim_id and c.member_id = $2 and c.state = 'draft'"
            ),
            (
                "update claim_line l set what_for = '', no_receipt_why = '', duplicate_reason = '', "  # noqa: S608
                f"decline_reason = case when is_declined then '{GONE}' else '' end from claim c "
                "where l.timebank_id = $1 and c.timebank_id = $1 and c.id = l.claim_id and c.member_id = $2"
            ),
            (
                "update claim_event e set words = '' from claim c "
                "where e.timebank_id = $1 and c.timebank_id = $1 and c.id = e.claim_id and c.member_id = $2"
            ),
            "update claim set how_agreed = '' where timebank_id = $1 and member_id = $2",
        ),
    ),
    Trace(
        "access_cost",
        ("member_id",),
        "What was paid so that you could take part",
        """
        select c.reference, c.kind, c.way, c.day, c.what_for, c.pence, c.signed_name, c.state, c.spent_pence,
               c.returned_pence,
               (select jsonb_agg(jsonb_build_object('what', a.what, 'pence', a.pence) order by a.n)
                  from access_receipt a where a.timebank_id = c.timebank_id and a.access_cost_id = c.id) as receipts
          from access_cost c
         where c.timebank_id = $1 and c.member_id = $2
         order by c.id
        """,
        (
            (
                f"update access_receipt a set what = '{GONE}', "  # noqa: S608
                f"no_receipt_why = case no_receipt_why when '' then '' else '{GONE}' end from access_cost c "
                "where a.timebank_id = $1 and c.timebank_id = $1 and c.id = a.access_cost_id and c.member_id = $2"
            ),
            (
                "update access_cost set what_for = '', end_reason = '', "  # noqa: S608
                f"signed_name = case signed_name when '' then '' else '{GONE}' end "
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    # After what they are evidence of. Those of payments stay, as the law asks, until ``claims.receipts`` erases them.
    Trace(
        "receipt",
        ("member_id",),
        "Receipts",
        "select id, added_at, content from receipt where timebank_id = $1 and member_id = $2 order by id",
        (
            (
                "delete from receipt r where r.timebank_id = $1 and r.member_id = $2 "
                "and not exists (select from claim_line l where l.timebank_id = $1 and l.receipt_id = r.id) "
                "and not exists (select from access_receipt a where a.timebank_id = $1 and a.receipt_id = r.id)"
            ),
        ),
    ),
    _simple("payee", "Payments to you: who is paid", column="member_id"),
    Trace(
        "bank_account",
        (),
        "Where your money is paid",
        """
        select a.last_four as ends_in, a.state, a.why, a.proposed_at, a.decided_at,
               (select jsonb_agg(jsonb_build_object('at', l.at, 'who', m.display_name, 'why', l.why) order by l.id)
                  from bank_account_look l
                  join member m on m.timebank_id = l.timebank_id and m.id = l.looked_by
                 where l.timebank_id = a.timebank_id and l.account_id = a.id) as who_saw_the_whole_number
          from bank_account a
          join payee y on y.timebank_id = a.timebank_id and y.id = a.payee_id
         where a.timebank_id = $1 and y.member_id = $2
         order by a.id
        """,
        # Where something is still on its way the account stays; payees/forgetting.py erases it when that has arrived.
        (
            """
            update bank_account a
               set sealed = '\\x00', mark = decode(repeat('00', 32), 'hex'), last_four = '0000', why = '',
                   state = case a.state when 'in_use' then 'replaced' when 'proposed' then 'withdrawn' else a.state end,
                   decided_by = coalesce(a.decided_by, a.proposed_by), decided_at = coalesce(a.decided_at, now())
              from payee y
             where a.timebank_id = $1 and y.timebank_id = $1 and y.id = a.payee_id and y.member_id = $2
               and not exists (select from payable p where p.timebank_id = $1 and p.payee_id = y.id
                                  and p.state not in ('paid', 'cancelled'))
            """,
        ),
    ),
    Trace(
        "concern",
        ("member_id",),
        "What you said was not right",
        "select title, asked, asked_at, due_on, state, answer, answered_at, changed_minutes from concern "
        "where timebank_id = $1 and member_id = $2 order by id",
        (
            (
                f"update concern set asked = '{GONE}', title = '{GONE}', "  # noqa: S608
                f"answer = case answer when '' then '' else '{GONE}' end, spoken_by = '' "
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    Trace(
        "gift",
        ("from_member_id",),
        "Hours you gave away",
        "select given_at, minutes, note from gift where timebank_id = $1 and from_member_id = $2 order by id",
        ("update gift set note = '' where timebank_id = $1 and from_member_id = $2",),
    ),
    Trace(
        "gift",
        ("to_member_id",),
        "Hours you were given",
        "select given_at, minutes, note from gift where timebank_id = $1 and to_member_id = $2 order by id",
        ("update gift set note = '' where timebank_id = $1 and to_member_id = $2",),
    ),
    Trace(
        "pot_ask",
        ("member_id",),
        "Hours you asked the pot for",
        "select kind, minutes, what_for, asked_at, state, given_minutes, decided_at, reason from pot_ask "
        "where timebank_id = $1 and member_id = $2 order by id",
        (
            (
                "update pot_ask set what_for = '', reason = '', "
                "decided_at = case state when 'waiting' then now() else decided_at end, "
                "state = case state when 'waiting' then 'withdrawn' else state end "
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    Trace(
        "statement_code",
        ("member_id",),
        "Statements you printed with a code",
        """
        select s.code, s.first_on, s.last_on, s.made_at,
               array(select l.at from statement_look l
                      where l.timebank_id = s.timebank_id and l.code_id = s.id order by l.id) as checked_at
          from statement_code s where s.timebank_id = $1 and s.member_id = $2 order by s.id
        """,
        ("update statement_code set display_name = '' where timebank_id = $1 and member_id = $2",),
    ),
    _simple("attendance", "Sessions you signed up for or came to"),
    _simple("activity_leader", "Groups you lead"),
    _simple(
        "guest",
        "Time you gave before you joined",
        f"update guest set name = '{GONE}', name_key = '{GONE}' where timebank_id = $1 and member_id = $2",  # noqa: S608
    ),
    _simple("register_draft", "Registers you began", _delete("register_draft")),
    Trace(
        "message",
        ("member_id",),
        "Messages to you",
        "select created_at, subject, body, state from message where timebank_id = $1 and member_id = $2 order by id",
        (
            (
                f"update message set subject = '{GONE}', body = '', path = '', only_route = '', only_address = '', "  # noqa: S608
                "state = case state when 'waiting' then 'dropped' else state end "
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    Trace(
        "delivery",
        ("member_id",),
        "How messages went out",
        "select channel, state, created_at, sent_at, trouble from delivery "
        "where timebank_id = $1 and member_id = $2 order by id",
        (
            (
                "delete from text_outbox o using delivery d where o.timebank_id = $1 and d.timebank_id = $1 "
                "and d.id = o.delivery_id and d.member_id = $2"
            ),
            (
                "update delivery set trouble = '', only_address = '', claimed_until = null, "
                "state = case state when 'waiting' then 'dropped' else state end "
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    _simple("consent", "What you agreed to", _delete("consent")),
    Trace(
        "supporter",
        ("member_id",),
        "Who acts for you",
        _rows("supporter"),
        (_delete("supporter"),),
    ),
    Trace(
        "supporter",
        ("supporter_member_id",),
        "Whom you act for",
        "select scope, starts_on, ends_on, ended_at from supporter "
        "where timebank_id = $1 and supporter_member_id = $2 order by id",
        (_delete("supporter", "supporter_member_id"),),
    ),
    _simple("group_membership", "Groups you belong to", _delete("group_membership")),
    Trace(
        "group_membership",
        ("group_id",),
        "",
        erase=(_delete("group_membership", "group_id"),),
    ),
    Trace(
        "offer_group",
        ("group_id",),
        "",
        erase=(_delete("offer_group", "group_id"),),
    ),
    Trace(
        "saved_offer",
        ("member_id",),
        "What you saved for later",
        """
        select o.title, s.saved_at
          from saved_offer s join offer o on o.timebank_id = s.timebank_id and o.id = s.offer_id
         where s.timebank_id = $1 and s.member_id = $2 order by s.saved_at, s.offer_id
        """,
        (_delete("saved_offer"),),
        is_private=True,
    ),
    Trace(
        "acting",
        ("subject_id",),
        "When somebody acted for you",
        """
        select a.started_at, a.ended_at, m.display_name as by_whom, a.reason, a.how_agreed
          from acting a join member m on m.timebank_id = a.timebank_id and m.id = a.actor_id
         where a.timebank_id = $1 and a.subject_id = $2 order by a.id
        """,
        (f"update acting set reason = '{GONE}' where timebank_id = $1 and subject_id = $2",),  # noqa: S608
    ),
    Trace(
        "access_log",
        ("subject_id",),
        "Who looked at your record",
        """
        select l.at, m.display_name as by_whom, l.what
          from access_log l join member m on m.timebank_id = l.timebank_id and m.id = l.actor_id
         where l.timebank_id = $1 and l.subject_id = $2 order by l.at, l.id
        """,
    ),
    _simple("member_role", "Roles", _delete("member_role")),
    _simple("approver_deputy", "Whom you stand in for when they decide", column="deputy_id"),
    Trace("approver_deputy", ("approver_id",), "", ""),
    _simple("pause", "Pauses"),
    _simple("departure", "Leaving"),
    _simple("safeguarding_person", "Your part in safeguarding", _delete("safeguarding_person")),
    _simple("member_age", "Your age", _delete("member_age"), is_private=True),
    _simple("guardian_consent", "Your guardian", _delete("guardian_consent"), is_private=True),
    _simple("member_check", "Checks", _delete("member_check"), is_private=True),
    Trace(
        "confidence_report",
        ("from_member_id",),
        "What you told in confidence under your name",
        "select told_at, happened, about, reach, state, answer from confidence_report "
        "where timebank_id = $1 and from_member_id = $2 order by id",
        is_private=True,
    ),
    Trace(
        "web_session",
        ("member_id",),
        "Where you are signed in",
        "select device, created_at, seen_at, expires_at from web_session "
        "where timebank_id = $1 and member_id = $2 order by created_at",
        (_delete("web_session"),),
    ),
    Trace(
        "passkey",
        ("member_id",),
        "Passkeys",
        "select name, created_at, last_used_at from passkey "
        "where timebank_id = $1 and member_id = $2 order by created_at",
        (_delete("passkey"),),
    ),
    Trace("passkey_challenge", ("member_id",), "", erase=(_delete("passkey_challenge"),)),
    Trace(
        "sign_in_ask_member",
        ("member_id",),
        "",
        erase=(_delete("sign_in_ask_member"),),
    ),
    Trace(
        "sign_in_link",
        ("member_id",),
        "Links to sign in",
        "select created_at, expires_at, used_at from sign_in_link "
        "where timebank_id = $1 and member_id = $2 order by created_at",
        (_delete("sign_in_link"),),
    ),
    Trace(
        "card",
        ("member_id",),
        "Cards",
        "select created_at, revoked_at from card where timebank_id = $1 and member_id = $2 order by created_at",
        (
            (
                "delete from sign_in_attempt where card_id in "
                "(select id from card where timebank_id = $1 and member_id = $2)"
            ),
            _delete("card"),
        ),
    ),
    Trace(
        "api_token",
        ("member_id",),
        "Programs that act for you",
        "select name, scopes, created_at, expires_at, revoked_at from api_token "
        "where timebank_id = $1 and member_id = $2 order by created_at",
        (_delete("api_token"),),
    ),
    Trace(
        "import_line",
        ("member_id",),
        "What came from the program you used before",
        _rows("import_line", order="import_id, line"),
        (
            # Their exchanges go on under their number, not under what the other program called them.
            (
                "update import_line l "
                "set payer = case l.payer when 'person/' || p.code then 'member/' || p.member_id else l.payer end, "
                "payee = case l.payee when 'person/' || p.code then 'member/' || p.member_id else l.payee end "
                "from import_person p join import_run r on r.timebank_id = p.timebank_id and r.source = p.source "
                "where p.timebank_id = $1 and p.member_id = $2 and l.timebank_id = $1 and l.import_id = r.id "
                "and 'person/' || p.code in (l.payer, l.payee)"
            ),
            ("update import_line set words = '' where timebank_id = $1 and 'member/' || $2::bigint in (payer, payee)"),
            (
                "update import_line set who = '', person = '', details = null, words = '' "
                "where timebank_id = $1 and member_id = $2"
            ),
        ),
    ),
    _simple("import_person", "What you are called in other programs", _delete("import_person")),
    # The member's own row at last: statements above still find the name by it.
    Trace(
        "member",
        ("contact_member_id",),
        "",
        erase=("update member set contact_member_id = null where timebank_id = $1 and contact_member_id = $2",),
    ),
    Trace(
        "member",
        ("id", "standing_to_id"),
        "You",
        """
        select m.number, m.display_name, m.kind, m.email, m.phone, m.postal_address, m.contact_route, m.language,
               m.format_preference, m.access_needs, m.emergency_name, m.emergency_phone, m.can_offer, m.note, m.status,
               m.joined_on, m.standing_choice, t.display_name as standing_to
          from member m
          left join member t on t.timebank_id = m.timebank_id and t.id = m.standing_to_id
         where m.timebank_id = $1 and m.id = $2
        """,
        (FORGET_ANSWERS, FORGET_MEMBER, UNLINK_PERSON),
    ),
)

# Columns that say who did something for others. The row is about somebody or something else; after leaving they name
# "A former member".
WHO_DID_IT = frozenset(
    {
        "actor_id", "added_by", "answered_by", "asked_by", "begun_by", "changed_by", "checked_in_by", "confirmed_by",
        "entered_by", "created_by", "decided_by", "ended_by", "made_by", "named_by", "recorded_by", "requested_by",
        "seen_by",
        "settled_by", "signed_up_by", "submitted_by", "approved_by", "undone_by", "uploaded_by", "withdrawn_by",
        "owner_id", "taken_by", "closed_by", "imported_by", "started_by", "set_by", "proposed_by", "looked_by", "by_id",
        "sent_by",
    }
)  # fmt: skip

# Columns about a member that nobody may download, and why.
WITHHELD = {
    ("confidence_excluded", "member_id"): "it would tell them that somebody told something about them",
    ("member_block", "blocked_id"): "it would tell them who does not want to meet them",
    ("peer_report", "about_member_id"): "it would tell them that somebody told something about them",
}

# Rows kept about a member by law or for others, which the check page names in words.
KEPT = {
    "payment records": "the law asks for them for some years",
    "files that were uploaded": "a register file names many people, and is the evidence of their hours",
    "what was told in confidence": "safeguarding needs it, and only the lead and independent people can read it",
    "messages to others": "they belong to whoever got them",
}
