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

-- When each period was closed, as close_period noted it; the book itself knows only how far.
create table ledger.period_closing (
    book_id         bigint      not null references ledger.book (id),
    closed_through  date        not null,
    closed_at       timestamptz not null,                               -- nothing in the book was recorded later until then
    primary key (book_id, closed_through)
);

create trigger immutable before update or delete or truncate on ledger.period_closing
    for each statement execute function ledger.guard_immutable();
