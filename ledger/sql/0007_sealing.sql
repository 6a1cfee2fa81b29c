-- Seals: what shows tampering by those whom no guard stops. ledger/sealing.py says how they are made and checked; only the owner
-- of the ledger writes them.

-- Seal n of a book. All hashes are SHA-256.
create table ledger.seal (
    book_id     bigint      not null references ledger.book (id),
    n           integer     not null check (n >= 1),
    entries     bigint      not null check (entries >= 1),
    merkle_root bytea       not null check (length(merkle_root) = 32),  -- of its leaves, in the order of their entries' ids
    heads       bytea       not null check (length(heads) = 32),        -- of its heads
    previous    bytea       check (length(previous) = 32),              -- the digest of seal n - 1
    digest      bytea       not null check (length(digest) = 32),       -- of all the others
    sealed_at   timestamptz not null,
    primary key (book_id, n),
    check ((previous is null) = (n = 1))
);

-- How far a seal reaches on each account that has moved since the one before: over the postings behind after_seq, up to seq.
create table ledger.seal_head (
    book_id     bigint      not null,
    account_id  integer     not null,
    n           integer     not null,
    after_seq   integer     not null check (after_seq >= 0),
    seq         integer     not null,
    primary key (book_id, account_id, n),
    foreign key (book_id, n) references ledger.seal (book_id, n),
    check (seq > after_seq)
);

-- What an entry said when it was sealed. It names the entry that was changed, where the seal alone could only tell that one was.
-- No foreign keys, for the same reason as in posting.
create table ledger.seal_leaf (
    book_id     bigint      not null,
    n           integer     not null,
    entry_id    uuid        not null,
    hash        bytea       not null check (length(hash) = 32),
    primary key (book_id, n, entry_id)
);

create trigger immutable before update or delete or truncate on ledger.seal
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.seal_head
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.seal_leaf
    for each statement execute function ledger.guard_immutable();
