-- The ledger's tables. Every key begins with the book, so that a row of one book cannot refer to another's, and so that the
-- same schema can be distributed by that column. Only balance, hold and book ever change; everything else is append-only.
--
-- Amounts are bigint in the unit's smallest part and credit-positive: "a -> b" is -n on a and +n on b.

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
    id          bigint      generated always as identity,
    code        text        not null check (length(code) between 1 and 200),
    unit_id     smallint    not null references ledger.unit (id),
    class       text        not null check (class ~ '^[a-z_]{1,40}$'),
    name        text        not null check (length(name) between 1 and 200),
    opened_at   timestamptz not null default clock_timestamp(),
    primary key (book_id, id),
    unique (book_id, code)
);

-- Where an account stands: everything a check needs in one locked read. It has no other index and room on its pages, so that an
-- update stays on its page and touches no index (HOT). Amounts stay within 2^62 - 1, so that any sum of two fits a bigint.
create table ledger.balance (
    book_id     bigint      not null,
    account_id  bigint      not null,
    posted      bigint      not null default 0 check (abs(posted) <= 4611686018427387903),
    held_out    bigint      not null default 0 check (held_out between 0 and 4611686018427387903),
    held_in     bigint      not null default 0 check (held_in between 0 and 4611686018427387903),
    floor       bigint      check (abs(floor) <= 4611686018427387903),      -- null: may go as low as it likes
    ceiling     bigint      check (abs(ceiling) <= 4611686018427387903),    -- null: may go as high as it likes
    status      text        not null default 'open' check (status in ('open', 'frozen', 'closed')),
    seq         bigint      not null default 0 check (seq >= 0),
    last_at     timestamptz not null default '-infinity',
    primary key (book_id, account_id),
    foreign key (book_id, account_id) references ledger.account (book_id, id),
    check (floor <= ceiling)
) with (fillfactor = 50);

-- Each change of an account's limits or status, the opening included: who decided it, and from which posting on it counts.
create table ledger.account_event (
    book_id     bigint      not null,
    account_id  bigint      not null,
    n           integer     not null check (n >= 1),
    after_seq   bigint      not null,
    floor       bigint,
    ceiling     bigint,
    status      text        not null,
    actor       text        not null check (length(actor) <= 200),
    reason      text        not null check (length(reason) <= 200),
    recorded_at timestamptz not null,
    primary key (book_id, account_id, n),
    foreign key (book_id, account_id) references ledger.account (book_id, id)
);

-- One row per idempotency key, kept for ever. Either entry_id or hold_id says what the key made, or would have made had it not
-- been refused; a stored refusal stands beside it, so that this row is written once and never again.
create table ledger.request (
    book_id     bigint      not null,
    entry_id    uuid,
    hold_id     uuid,
    digest      bytea       not null check (length(digest) = 32),
    key         text        not null check (length(key) between 1 and 200),
    operation   text        not null check (operation in ('post', 'hold', 'capture', 'void', 'reverse')),
    primary key (book_id, key),
    check (num_nonnulls(entry_id, hold_id) = 1)
);

create table ledger.refusal (
    book_id     bigint      not null,
    key         text        not null,
    code        text        not null,
    account     text,                                                   -- as it was asked for: it need not exist
    recorded_at timestamptz not null,
    primary key (book_id, key)
);

-- An entry carries its own legs, so that "show me this entry" needs no index on postings; seqs leads to each posting by its key.
--
-- entry and posting have no foreign keys: a key-share lock on every leg's account and unit would cost more than all the rest of
-- a post. Only the functions write here, and the proof checks both directions.
create table ledger.entry (
    book_id         bigint      not null,
    id              uuid        not null,
    recorded_at     timestamptz not null,
    effective_on    date        not null,
    unit_id         smallint    not null,
    accounts        bigint[]    not null,
    amounts         bigint[]    not null,
    seqs            bigint[]    not null,
    kind            text        not null check (length(kind) between 1 and 60),
    actor           text        not null check (length(actor) between 1 and 200),
    reference       text        not null check (length(reference) <= 200),
    meta            jsonb,                                              -- null: nothing was said
    forced_by       text,
    forced_reason   text,
    primary key (book_id, id),
    check (cardinality(accounts) >= 2 and cardinality(amounts) = cardinality(accounts)
           and cardinality(seqs) = cardinality(accounts)),
    check (array_position(amounts, 0) is null and array_position(amounts, null) is null),
    check (length(forced_by) between 1 and 200 and length(forced_reason) between 1 and 200
           or num_nonnulls(forced_by, forced_reason) = 0)
);

-- One leg as its account sees it. The primary key is the statement's index, and makes a lost update impossible to store.
create table ledger.posting (
    book_id         bigint      not null,
    account_id      bigint      not null,
    seq             bigint      not null check (seq >= 1),
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
    from_account    bigint      not null,
    to_account      bigint      not null,
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
    meta        jsonb,
    recorded_at timestamptz not null,
    primary key (book_id, hold_id, n),
    foreign key (book_id, hold_id) references ledger.hold (book_id, id),
    check ((event = 'captured') = (entry_id is not null))
);
