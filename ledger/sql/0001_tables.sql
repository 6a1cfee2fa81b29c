-- The ledger's tables. Every key begins with the book, so that a row of one book cannot refer to another's, and so that the
-- same schema can be distributed by that column. Only balance, hold and book ever change; everything else is append-only.
--
-- Amounts are bigint in the unit's smallest part and credit-positive: "a -> b" is -n on a and +n on b. An account's id and the
-- numbers of its postings are integers: PostgreSQL packs an index whose key is at most 16 bytes wide and grows at the end of each
-- account twice as densely (docs/decisions/0009).

create schema if not exists ledger;

-- What is counted. Shared by all books; an entry has one unit.
create table ledger.unit (
    id          smallint generated always as identity primary key,
    code        text     not null unique check (code ~ '^[A-Z]{3,8}$'),
    exponent    smallint not null check (exponent between 0 and 4)      -- decimal places people see: GBP 2, MIN 0
);

insert into ledger.unit (code, exponent)
values ('MIN', 0), ('GBP', 2), ('EUR', 2), ('USD', 2), ('CAD', 2), ('AUD', 2), ('NZD', 2), ('CHF', 2), ('SEK', 2),
       ('NOK', 2), ('DKK', 2), ('PLN', 2), ('CZK', 2), ('HUF', 2), ('RON', 2), ('JPY', 0);

-- The id is the caller's own id of the thing that owns the book. The code is for people; its owner keeps it unique.
create table ledger.book (
    id              bigint      primary key,
    code            text        not null check (length(code) between 1 and 200),
    name            text        not null check (length(name) between 1 and 200),
    closed_through  date,                                               -- takes no entries effective on or before this day
    opened_at       timestamptz not null default clock_timestamp()
);

-- Who an account is. Never changes but for its name.
create table ledger.account (
    book_id     bigint      not null references ledger.book (id),
    id          integer     generated always as identity,
    code        text        collate "C" not null check (length(code) between 1 and 200),
    unit_id     smallint    not null references ledger.unit (id),
    class       text        not null check (class ~ '^[a-z_]{1,40}$'),
    name        text        not null check (length(name) between 1 and 200),
    opened_at   timestamptz not null default clock_timestamp(),
    primary key (book_id, id),
    unique (book_id, code)
);

-- Frozen and closed accounts take no entry and no new hold.
create domain ledger.account_status as text check (value in ('open', 'frozen', 'closed'));

-- Where an account stands: everything a check needs in one locked read. It has no other index and room on its pages, so that an
-- update stays on its page and touches no index (HOT). Amounts stay within 2^62 - 1, so that any sum of two fits a bigint.
create table ledger.balance (
    book_id     bigint      not null,
    account_id  integer     not null,
    posted      bigint      not null default 0,
    held_out    bigint      not null default 0,
    held_in     bigint      not null default 0,
    floor       bigint,                                                 -- null: may go as low as it likes
    ceiling     bigint,                                                 -- null: may go as high as it likes
    status      ledger.account_status not null default 'open',
    seq         integer     not null default 0,
    last_at     timestamptz not null default '-infinity',
    primary key (book_id, account_id),
    foreign key (book_id, account_id) references ledger.account (book_id, id),
    check (posted between -4611686018427387903 and 4611686018427387903
           and held_out between 0 and 4611686018427387903 and held_in between 0 and 4611686018427387903 and seq >= 0)
) with (fillfactor = 50);

-- Each change of an account's limits or status, the opening included: who decided it, and from which posting on it counts.
create table ledger.account_event (
    book_id     bigint      not null,
    account_id  integer     not null,
    n           integer     not null check (n >= 1),
    after_seq   integer     not null,
    floor       bigint,
    ceiling     bigint,
    status      text        not null,
    actor       text        not null check (length(actor) <= 200),
    reason      text        not null check (length(reason) <= 200),
    recorded_at timestamptz not null,
    primary key (book_id, account_id, n),
    foreign key (book_id, account_id) references ledger.account (book_id, id),
    check (floor <= ceiling),
    check (greatest(abs(floor), abs(ceiling)) <= 4611686018427387903)
);

-- One row per idempotency key, kept for ever, refused or not: a stored refusal stands beside it, so that this row is written once.
-- made is the entry (of a post, capture or reverse) or the hold (of a hold or void); a refused one was never made.
create table ledger.request (
    book_id     bigint      not null,
    made        uuid        not null,
    digest      uuid        not null,                                   -- the first 128 bits of a SHA-256
    operation   "char"      not null check (operation in ('p', 'h', 'c', 'v', 'r')),
    key         text        collate "C" not null check (length(key) between 1 and 200),
    primary key (book_id, key)
);

create table ledger.refusal (
    book_id     bigint      not null,
    key         text        collate "C" not null,
    code        text        not null,
    account     text,                                                   -- as it was asked for: it need not exist
    recorded_at timestamptz not null,
    primary key (book_id, key)
);

-- An entry carries its own legs in the order of their accounts' codes, so that "show me this entry" needs no index on postings;
-- seqs leads to each posting by its key.
--
-- entry and posting have no foreign keys: a key-share lock on every leg's account and unit would cost more than all the rest of
-- a post. Only the functions write here, and the proof checks both directions. They have few checks, because PostgreSQL prepares
-- each of them anew for every statement; lengths are in the types.
create function ledger.is_balanced(p_accounts integer[], p_amounts bigint[]) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
    return coalesce((
        select count(*) >= 2 and count(distinct account_id) = count(*) and sum(amount) = 0 and bool_and(amount <> 0)
        from unnest(p_accounts, p_amounts) as leg (account_id, amount)
    ), false);
end $$;

create table ledger.entry (
    book_id         bigint      not null,
    id              uuid        not null,
    recorded_at     timestamptz not null,
    effective_on    date        not null,
    unit_id         smallint    not null,
    accounts        integer[]   not null,
    amounts         bigint[]    not null,
    seqs            integer[]   not null,
    kind            varchar(60) not null,
    actor           varchar(200) not null,
    reference       varchar(200) not null,
    meta            json,                                               -- as it was given; null: nothing was said
    primary key (book_id, id),
    constraint entry_is_balanced check (                                -- most entries have two legs, and are looked at here
        case when cardinality(accounts) = 2 and cardinality(amounts) = 2
             then amounts[1] = -amounts[2] and amounts[1] <> 0 and accounts[1] <> accounts[2]
             else ledger.is_balanced(accounts, amounts) end is true)
);

-- Entries that were made past limits, and by whose word.
create table ledger.forced (
    book_id         bigint      not null,
    entry_id        uuid        not null,
    forced_by       text        not null check (length(forced_by) between 1 and 200),
    reason          text        not null check (length(reason) between 1 and 200),
    primary key (book_id, entry_id),
    foreign key (book_id, entry_id) references ledger.entry (book_id, id)
);

-- One leg as its account sees it. The primary key is the statement's index, and makes a lost update impossible to store.
create table ledger.posting (
    book_id         bigint      not null,
    account_id      integer     not null,
    seq             integer     not null check (seq >= 1),
    entry_id        uuid        not null,
    amount          bigint      not null check (amount <> 0),
    balance_after   bigint      not null,
    recorded_at     timestamptz not null,
    effective_on    date        not null,
    primary key (book_id, account_id, seq)
);

-- How an entry follows from another. The key allows one link of a kind: at most one reversal.
create table ledger.entry_link (
    book_id     bigint  not null,
    original_id uuid    not null,
    kind        text    not null check (kind in ('reversal')),
    entry_id    uuid    not null,
    primary key (book_id, original_id, kind)
);

-- From a reversal back to what it reverses.
create index entry_link_back on ledger.entry_link (book_id, entry_id);

-- Minutes set aside: open, then exactly one of captured, voided, expired. A hold is no entry; only its capture is one.
create table ledger.hold (
    book_id         bigint      not null,
    id              uuid        not null,
    from_account    integer     not null,
    to_account      integer     not null,
    amount          bigint      not null check (amount between 1 and 4611686018427387903),
    captured        bigint      not null default 0,
    state           text        not null default 'open' check (state in ('open', 'captured', 'voided', 'expired')),
    expires_at      timestamptz not null,
    primary key (book_id, id),
    foreign key (book_id, from_account) references ledger.account (book_id, id),
    foreign key (book_id, to_account) references ledger.account (book_id, id),
    check (from_account <> to_account),
    check (captured between 0 and amount and (captured > 0) = (state = 'captured'))
) with (fillfactor = 80);

-- Open holds by account: what an account's held_out and held_in are made of, and what stands in the way of closing it.
create index hold_open_from on ledger.hold (book_id, from_account) where state = 'open';
create index hold_open_to on ledger.hold (book_id, to_account) where state = 'open';
create index hold_open_until on ledger.hold (book_id, expires_at, id) where state = 'open';

-- What happened to a hold, in order: placed, then how it ended.
create table ledger.hold_event (
    book_id     bigint      not null,
    hold_id     uuid        not null,
    n           integer     not null check (n >= 1),
    event       text        not null check (event in ('placed', 'captured', 'voided', 'expired')),
    amount      bigint      not null,
    entry_id    uuid,
    kind        text,
    actor       text        not null check (length(actor) between 1 and 200),
    reference   text        not null check (length(reference) <= 200),
    meta        json,
    recorded_at timestamptz not null,
    primary key (book_id, hold_id, n),
    foreign key (book_id, hold_id) references ledger.hold (book_id, id),
    check ((event = 'captured') = (entry_id is not null))
);
