-- What a proof keeps for the next one, and what it needs to know about the past.

-- How far each account has been proved: no further back does an incremental proof look. Appended to by the owner, after a proof that
-- found nothing wrong in the book; the highest number counts.
create table ledger.proved (
    book_id         bigint      not null,
    account_id      integer     not null,
    seq             integer     not null check (seq >= 1),              -- of the last posting that was proved
    balance_after   bigint      not null,
    last_at         timestamptz not null,                               -- no later posting was recorded before
    proved_at       timestamptz not null default clock_timestamp(),
    primary key (book_id, account_id, seq),
    foreign key (book_id, account_id) references ledger.account (book_id, id)
);

create trigger immutable before update or delete or truncate on ledger.proved
    for each statement execute function ledger.guard_immutable();

-- When each period was closed; the book itself knows only how far.
create table ledger.period_closing (
    book_id         bigint      not null references ledger.book (id),
    closed_through  date        not null,
    closed_at       timestamptz not null,                               -- nothing in the book was recorded later until then
    primary key (book_id, closed_through)
);

create trigger immutable before update or delete or truncate on ledger.period_closing
    for each statement execute function ledger.guard_immutable();

-- Closing holds the period's lock alone, so no batch is under way. An account's last time may be ahead of the clock.
create function ledger.note_period_closing() returns trigger language plpgsql as $$
begin
    insert into ledger.period_closing (book_id, closed_through, closed_at)
    select new.id, new.closed_through, greatest(clock_timestamp(), max(last_at)) from ledger.balance where book_id = new.id;
    return null;
end $$;

create trigger closing_is_noted after update of closed_through on ledger.book for each row
    when (new.closed_through is distinct from old.closed_through) execute function ledger.note_period_closing();
