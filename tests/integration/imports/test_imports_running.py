"""Importing for real: people, exchanges and balances, once and once more, past limits only with a reason."""

import asyncio
from datetime import timedelta

import pytest

from ledger import set_status
from tests.integration.imports.importing import (
    bring,
    carry_out,
    decide,
    go_on,
    lines,
    minutes_by_name,
    outcome,
    previewed,
    start,
)
from tests.people import NOW, Bank
from timebank.imports import posting, queries, service
from timebank.imports.service import Started

USERS = """\
1,2015-03-02,Ada,Example,Sample,female,1970-05-04,600000001,,ada@example.org
2,2015-03-03,Ben,Example,,male,1980-05-04,,600000002,ben@example.org
3,2015-04-01,Cleo,Example,,,,,,
"""
TRANSFERS = """\
2,Member,1,Member,5400,2016-04-12 17:30:00 UTC,Repaired a lamp,31
3,Member,1,Member,3600,2016-04-13 17:30:00 UTC,Shopping,
1,organization,2,Member,1800,2016-04-11 17:30:00 UTC,Welcome,
1,Member,3,Member,600,2016-05-13 23:30:00 UTC,Reading aloud,
"""


async def test_members_then_transfers_of_timeoverflow(bank: Bank) -> None:
    people = await carry_out(bank, "timeoverflow-users", USERS)
    assert people.of("done", "member") == 3

    done = await carry_out(bank, "timeoverflow-transfers", TRANSFERS)

    assert (done.of("done", "exchange"), done.minutes, done.forced) == (4, 190, 2)
    assert await minutes_by_name(bank) == {
        "Ada Example Sample": 140,
        "Ben Example": -60,
        "Cleo Example": -50,
    }


async def test_the_same_files_again_change_nothing(bank: Bank) -> None:
    for _ in range(2):
        people = await carry_out(bank, "timeoverflow-users", USERS)
        done = await carry_out(bank, "timeoverflow-transfers", TRANSFERS)
        after = await minutes_by_name(bank)

    assert (people.of("done"), people.of("there", "member")) == (0, 3)
    assert (done.of("done"), done.of("there", "exchange")) == (0, 4)
    more = "".join(f"1,Member,2,Member,{60 * n},2017-01-01 10:00:00 UTC,More {n},\n" for n in range(1, 11))
    grown = await carry_out(bank, "timeoverflow-transfers", TRANSFERS + more)
    assert (grown.of("done", "exchange"), grown.of("there", "exchange")) == (10, 4)
    assert (await minutes_by_name(bank))["Ben Example"] == after["Ben Example"] + 55


async def test_only_what_passes_a_limit_is_forced_and_each_says_why(bank: Bank) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    import_id = await bring(bank, "timeoverflow-transfers", TRANSFERS)
    assert isinstance(await start(bank, import_id), Started)
    await go_on(bank, import_id)

    forced = [one for one in await lines(bank, import_id) if one.forced]
    assert [one.line for one in forced] == [1, 2]
    assert forced[0].forced.startswith("Line 1 of timeoverflow-transfers.csv:")
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select entry_id, forced_by, reason from ledger.forced where book_id = $1", bank.id
        )
        words = await queries.describe_entries(connection, bank.id, [forced[0].entry_id])
    assert {row["entry_id"] for row in rows} == {one.entry_id for one in forced}
    assert {row["forced_by"] for row in rows} == {bank.coordinator.name}
    described = words[forced[0].entry_id]
    assert described.title == "Repaired a lamp"
    assert described.detail == "Ada Example Sample helped Ben Example, brought over from TimeOverflow"


async def test_a_chunk_at_a_time_gives_the_same(bank: Bank) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    import_id = await bring(bank, "timeoverflow-transfers", TRANSFERS)
    await start(bank, import_id)
    positions = []
    while True:
        progress = await service.advance(bank.db, bank.id, import_id, now=NOW, chunk=1)
        positions.append(progress.position)
        if progress.state == "finished":
            break
    assert positions == [1, 2, 3, 4]
    assert (await minutes_by_name(bank))["Ada Example Sample"] == 140


async def test_cyclos_balances_are_those_of_the_file(bank: Bank) -> None:
    content = (
        "name,username,email,creationdate,balance,creditlimit\n"
        "Ada Example,ada,ada@example.org,2012-05-04,12.5,20\n"
        "Ben Sample,ben,ben@example.org,2012-05-04,-1.25,20\n"
        "Cleo Third,cleo,,2012-05-04,0,20\n"
    )
    done = await carry_out(bank, "cyclos-members", content)
    assert (done.of("done", "member"), done.of("done", "balance"), done.forced) == (3, 2, 1)
    assert await minutes_by_name(bank) == {"Ada Example": 750, "Ben Sample": -75, "Cleo Third": 0}
    again = await carry_out(bank, "cyclos-members", content)
    assert again.of("done") == 0


async def test_a_balance_that_does_not_add_up_is_said_and_not_put_right(bank: Bank) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    await carry_out(bank, "timeoverflow-transfers", TRANSFERS)
    import_id = await bring(bank, "balances", "Name,Balance\nAda Example Sample,2:20\nBen Example,0:30\n")

    plan = (await previewed(bank, import_id)).plan
    assert [question.field for question in plan.questions] == ["difference"]
    said = {one.line: one.why for one in plan.lines if one.kind == "balance"}
    assert said == {
        2: "The balance agrees.",
        3: "The file says 30 minutes, the entries here add up to minus 1 hour.",
    }
    refused = await start(bank, import_id)
    assert isinstance(refused, list)
    assert refused[0].code == "difference_undecided"
    await decide(bank, import_id, difference="leave_out")
    assert isinstance(await start(bank, import_id), Started)
    await go_on(bank, import_id)
    assert (await minutes_by_name(bank))["Ben Example"] == -60


async def test_time_that_is_not_whole_minutes_is_rounded_only_by_a_rule_that_is_chosen(bank: Bank) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    content = "2,Member,1,Member,90,2016-04-12 17:30:00 UTC,x,\n2,Member,1,Member,150,2016-04-12 17:30:00 UTC,y,\n"
    import_id = await bring(bank, "timeoverflow-transfers", content)
    assert isinstance(await start(bank, import_id), list)
    await decide(bank, import_id, rounding="half_even")
    await start(bank, import_id)
    done = await go_on(bank, import_id)
    assert (done.rounded, done.minutes) == (2, 4)
    assert [one.rounded for one in await lines(bank, import_id)] == ["1 minute 30 seconds", "2 minutes 30 seconds"]


async def test_whoever_leaves_is_forgotten_by_the_import_too_and_not_brought_back(bank: Bank) -> None:
    from timebank.members.traces import TRACES

    await carry_out(bank, "timeoverflow-users", USERS)
    await carry_out(bank, "timeoverflow-transfers", TRANSFERS)
    async with bank.db.writing(bank.id) as connection:
        ben = await connection.fetchval(
            "select id from member where timebank_id = $1 and display_name = 'Ben Example'", bank.id
        )
        for trace in TRACES:
            for statement in trace.erase:
                if trace.table in ("import_line", "import_person", "member"):
                    await connection.execute(statement, bank.id, ben)
    async with bank.db.reading(bank.id) as connection:
        kept = await connection.fetch("select l::text as row from import_line l where timebank_id = $1", bank.id)
        assert not [row["row"] for row in kept if "Ben" in row["row"] or "lamp" in row["row"]]
        entry = await connection.fetchval(
            "select id from ledger.entry where book_id = $1 and meta ->> 'line' = '1'", bank.id
        )
        words = await queries.describe_entries(connection, bank.id, [entry])
    assert words[entry].detail.startswith("Ada Example Sample helped A former member, brought over")
    again = await carry_out(bank, "timeoverflow-users", USERS)
    assert (again.of("there", "member"), again.of("refused", "member")) == (2, 1)
    assert (await carry_out(bank, "timeoverflow-transfers", TRANSFERS)).of("there", "exchange") == 4


async def test_whose_account_closes_meanwhile_is_refused_and_the_rest_goes_on(bank: Bank) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    import_id = await bring(bank, "timeoverflow-transfers", TRANSFERS)
    await start(bank, import_id)
    async with bank.db.writing(bank.id) as connection:
        cleo = await connection.fetchval(
            "select id from member where timebank_id = $1 and display_name = 'Cleo Example'", bank.id
        )
        await set_status(connection, bank.id, f"member/{cleo}", "closed", actor="test")
    done = await go_on(bank, import_id)

    assert (done.of("done", "exchange"), done.of("refused", "exchange")) == (2, 2)
    refused = [one for one in await lines(bank, import_id) if one.state == "refused"]
    assert [one.line for one in refused] == [2, 4]
    assert refused[0].why == "This person's account is closed: they may have left the time bank."
    assert (await minutes_by_name(bank))["Ada Example Sample"] == 90


async def test_frozen_accounts_and_hours_spent_meanwhile_are_passed_with_a_reason(bank: Bank) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    import_id = await bring(bank, "timeoverflow-transfers", TRANSFERS)
    await start(bank, import_id)
    async with bank.db.writing(bank.id) as connection:
        ada = await connection.fetchval(
            "select id from member where timebank_id = $1 and display_name like 'Ada%'", bank.id
        )
        await set_status(connection, bank.id, f"member/{ada}", "frozen", actor="test")
    done = await go_on(bank, import_id)
    assert (done.of("done", "exchange"), done.forced) == (4, 3)
    assert (await minutes_by_name(bank))["Ada Example Sample"] == 140


async def test_what_the_ledger_refuses_at_the_last_moment_is_forced_or_refused(bank: Bank) -> None:
    """Balances may move between looking and posting: here somebody looks away, and the ledger says no."""
    await carry_out(bank, "timeoverflow-users", USERS)
    import_id = await bring(bank, "timeoverflow-transfers", TRANSFERS)
    await start(bank, import_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posting, "_beyond_limits", lambda *_: set())
        done = await go_on(bank, import_id)
    assert (done.of("done", "exchange"), done.forced) == (4, 2)


async def test_several_who_go_on_with_one_import_do_each_step_once(bank: Bank) -> None:
    exchanges = "".join(f"{n % 30 + 1},Member,{(n + 7) % 30 + 1},Member,60,2016-01-01,{n},\n" for n in range(300))
    import_id = await bring(bank, "timeoverflow-transfers", exchanges)
    await decide(bank, import_id, unknown="add")
    await start(bank, import_id)

    async def one() -> None:
        while (await service.advance(bank.db, bank.id, import_id, now=NOW, chunk=7)).state == "running":
            pass

    await asyncio.gather(*(one() for _ in range(4)))
    done = await outcome(bank.db, bank.id, import_id)
    assert (done.of("done", "member"), done.of("done", "exchange"), done.minutes) == (30, 300, 300)
    assert len(await minutes_by_name(bank)) == 30, "nobody was added twice"
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from ledger.entry where book_id = $1", bank.id) == 300


async def test_stopped_in_the_middle_the_same_file_goes_on_with_the_rest(bank: Bank) -> None:
    await carry_out(bank, "timeoverflow-users", USERS)
    import_id = await bring(bank, "timeoverflow-transfers", TRANSFERS)
    await start(bank, import_id)
    await service.advance(bank.db, bank.id, import_id, now=NOW, chunk=1)
    stopped = await service.cancel(bank.db, bank.coordinator, import_id, key="stop", now=NOW)
    assert isinstance(stopped, Started)
    assert (await service.advance(bank.db, bank.id, import_id, now=NOW)).state == "cancelled"
    halfway = await outcome(bank.db, bank.id, import_id)
    assert (halfway.of("done", "exchange"), halfway.of("left_out", "exchange")) == (1, 3)
    rest = await carry_out(bank, "timeoverflow-transfers", TRANSFERS)
    assert (rest.of("done", "exchange"), rest.of("there", "exchange")) == (3, 1)
    assert (await minutes_by_name(bank))["Ada Example Sample"] == 140
    async with bank.db.reading(bank.id) as connection:
        assert await connection.fetchval("select count(*) from import_piece where timebank_id = $1", bank.id) == 0


async def test_only_coordinators_import(bank: Bank) -> None:
    import_id = await bring(bank, "members", "Name\nAda Example\nBen Sample\n")
    for attempt in (
        service.preview(bank.db, bank.participant, import_id, now=NOW),
        service.cancel(bank.db, bank.finance, import_id, key="k", now=NOW),
        start(bank, import_id, bank.participant),
    ):
        refused = await attempt
        assert isinstance(refused, list)
        assert refused[0].code == "not_allowed"


async def test_files_that_nobody_started_go_and_so_does_what_was_not_imported(bank: Bank) -> None:
    dropped = await bring(bank, "members", "Name\nAda Example\nBen Sample\n")
    await carry_out(
        bank, "exchanges", "Date,By,For,Time\n1/1/2016,Ada,Ada,1:00\n1/1/2016,Ada,Ben,1:00\n", unknown="add"
    )
    kept = dropped + 1
    assert [one.who for one in await lines(bank, kept) if one.state == "refused"] == ["Ada → Ada"]

    assert await service.tidy_due(bank.db, bank.id, NOW + timedelta(days=29)) == 0
    assert await service.tidy_due(bank.db, bank.id, NOW + timedelta(days=31)) == 1
    async with bank.db.reading(bank.id) as connection:
        run = await queries.run(connection, bank.id, dropped)
        assert run is not None
        assert run.state == "cancelled"
        assert [run.id for run in await queries.runs(connection, bank.id)] == [kept]
        assert await connection.fetchval("select count(*) from import_piece where timebank_id = $1", bank.id) == 0
    assert [one.who for one in await lines(bank, kept) if one.state == "refused"] == ["Ada → Ada"]
    await service.tidy_due(bank.db, bank.id, NOW + timedelta(days=91))
    assert [one.who for one in await lines(bank, kept) if one.state == "refused"] == [""]
