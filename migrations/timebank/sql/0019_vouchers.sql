-- Vouchers: codes bought in advance, vouchers of our own, and suppliers who confirm them without an account.
--
-- Codes are kept encrypted (`sealed`) with a key that is not in the database. `code_hash` is an HMAC under that key: it
-- finds a code and shows duplicates, and is of no use to whoever has the database alone.

-- What a supplier confirms has no member behind it.
alter table payable
    alter column created_by drop not null,
    drop constraint payable_source_kind_check,
    add constraint payable_source_kind_check check (source_kind in ('redemption', 'voucher_use', 'code_batch'));
alter table payable_event alter column actor_id drop not null;

-- How the vouchers of an offer work; an offer without a row is handed over by staff.
create table voucher_terms (
    timebank_id          bigint  not null references timebank,
    offer_id             bigint  not null,
    source               text    not null check (source in ('hand', 'pool', 'ours')),
    gives_at_once        boolean not null default false, -- no coordinator accepts the booking first
    allows_parts         boolean not null default false, -- the value may be used in several parts (ours)
    valid_days           integer check (valid_days between 1 and 360), -- ours: days after it is made
    expiry_returns_hours boolean not null default true,
    low_stock            integer not null default 5 check (low_stock between 0 and 1000),
    low_told_at          timestamptz, -- the warning that was sent; empty again when there is more
    primary key (timebank_id, offer_id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id)
);

-- One upload of codes. With `pence_each` they were bought: the supplier is owed all of them from then on.
create table code_batch (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    offer_id     bigint      not null,
    payee_id     bigint,
    pence_each   bigint      check (pence_each between 1 and 100000000),
    code_count   integer     not null check (code_count between 1 and 2000),
    uploaded_by  bigint      not null,
    uploaded_at  timestamptz not null,
    withdrawn_at timestamptz,
    withdrawn_by bigint,
    primary key (timebank_id, id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, uploaded_by) references member (timebank_id, id),
    foreign key (timebank_id, withdrawn_by) references member (timebank_id, id),
    check (pence_each is null or payee_id is not null)
);
create index code_batch_by_offer on code_batch (timebank_id, offer_id);

create table pool_code (
    timebank_id   bigint not null references timebank,
    id            bigint generated always as identity,
    batch_id      bigint not null,
    offer_id      bigint not null,
    code_hash     bytea  not null check (octet_length(code_hash) = 32),
    sealed        bytea  not null check (octet_length(sealed) between 1 and 2000), -- the code and its PIN
    expires_on    date, -- the last day on which it works
    state         text   not null default 'free' check (state in ('free', 'given', 'shown', 'used', 'withdrawn', 'expired')),
    redemption_id bigint,
    changed_at    timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, redemption_id),
    foreign key (timebank_id, batch_id) references code_batch (timebank_id, id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id),
    foreign key (timebank_id, redemption_id) references redemption (timebank_id, id),
    check ((state in ('given', 'shown', 'used')) = (redemption_id is not null))
);
create unique index pool_code_once on pool_code (timebank_id, offer_id, code_hash) where state <> 'withdrawn';
create index pool_code_free on pool_code (timebank_id, offer_id, expires_on, id) where state = 'free';
create index pool_code_by_batch on pool_code (timebank_id, batch_id);

-- A voucher of our own: one for each booking. It keeps the terms of the day on which it was asked for, and waits for its
-- first code until the booking is agreed.
create table voucher (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    redemption_id bigint      not null,
    payee_id      bigint      not null,
    value_pence   bigint      not null check (value_pence between 1 and 100000000),
    spent_pence   bigint      not null default 0,
    allows_parts  boolean     not null,
    valid_days    integer,
    returns_hours boolean     not null, -- what the booking said about a voucher that is not used in time
    state         text        not null check (state in ('waiting', 'live', 'used', 'expired', 'cancelled')),
    made_at       timestamptz not null,
    expires_at    timestamptz not null,
    reminded_at   timestamptz,
    slip_asked_at timestamptz, -- a slip to print and post waits since then
    changed_at    timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, redemption_id),
    foreign key (timebank_id, redemption_id) references redemption (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    check (spent_pence between 0 and value_pence),
    check (state <> 'waiting' or spent_pence = 0),
    check (state <> 'used' or spent_pence > 0),
    check (state <> 'live' or spent_pence < value_pence)
);
create index voucher_live on voucher (timebank_id, expires_at) where state = 'live';
create index voucher_slips on voucher (timebank_id, slip_asked_at) where slip_asked_at is not null;

-- Its codes: a new one ends the one before.
create table voucher_code (
    timebank_id bigint      not null references timebank,
    voucher_id  bigint      not null,
    n           integer     not null check (n between 1 and 100),
    code_hash   bytea       not null check (octet_length(code_hash) = 32),
    sealed      bytea       not null check (octet_length(sealed) between 1 and 2000),
    made_by     bigint, -- null: the service itself
    made_at     timestamptz not null,
    ended_at    timestamptz,
    primary key (timebank_id, voucher_id, n),
    unique (timebank_id, code_hash),
    foreign key (timebank_id, voucher_id) references voucher (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id)
);
create unique index voucher_code_in_use on voucher_code (timebank_id, voucher_id) where ended_at is null;

-- One confirmation by a supplier, at the till or from a paper tally; it makes one payable.
create table voucher_use (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    reference     text        not null check (length(reference) <= 20),
    voucher_id    bigint      not null,
    n             integer     not null check (n > 0),
    pence         bigint      not null check (pence > 0),
    used_on       date        not null,
    at            timestamptz not null,
    confirmed_by  bigint, -- null: the supplier
    primary key (timebank_id, id),
    unique (timebank_id, reference),
    unique (timebank_id, voucher_id, n),
    foreign key (timebank_id, voucher_id) references voucher (timebank_id, id),
    foreign key (timebank_id, confirmed_by) references member (timebank_id, id)
);

-- Who saw a code, when and how: the owner reads it.
create table code_view (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    redemption_id bigint      not null,
    seen_by       bigint      not null,
    at            timestamptz not null,
    how           text        not null check (how in ('screen', 'slip', 'program')),
    primary key (timebank_id, id),
    foreign key (timebank_id, redemption_id) references redemption (timebank_id, id),
    foreign key (timebank_id, seen_by) references member (timebank_id, id)
);
create index code_view_by_redemption on code_view (timebank_id, redemption_id, at);

-- The link behind a supplier's poster. Its secret is worked out from the key and this row's `mark`, so that a poster can
-- be printed again; only the hash of it is here.
create table supplier_link (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    payee_id     bigint      not null,
    mark         bytea       not null check (octet_length(mark) = 32),
    token_sha256 bytea       not null check (octet_length(token_sha256) = 32),
    made_by      bigint, -- null: the service itself
    made_at      timestamptz not null,
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    ended_by     bigint,
    primary key (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id),
    foreign key (timebank_id, ended_by) references member (timebank_id, id)
);
create unique index supplier_link_in_use on supplier_link (timebank_id, payee_id) where ended_at is null;
create unique index supplier_link_by_token on supplier_link (token_sha256);

-- Wrong codes, for the limits: by link and by network. They belong to no time bank, because a network knows none.
create table voucher_attempt (
    id      bigint      generated always as identity primary key,
    link_id bigint      not null,
    network text        not null check (length(network) <= 64),
    at      timestamptz not null
);
create index voucher_attempt_by_link on voucher_attempt (link_id, at);
create index voucher_attempt_by_network on voucher_attempt (network, at);

call protect_tenant_table('voucher_terms', 'select, insert, update');
call protect_tenant_table('code_batch', 'select, insert, update');
call protect_tenant_table('pool_code', 'select, insert, update');
call protect_tenant_table('voucher', 'select, insert, update');
call protect_tenant_table('voucher_code', 'select, insert, update');
call protect_tenant_table('voucher_use', 'select, insert');
call protect_tenant_table('code_view', 'select, insert');
call protect_tenant_table('supplier_link', 'select, insert, update');
grant select, insert, delete on voucher_attempt to timebank_app;

-- How many codes of an offer can still be promised on a day: those that are free, less the bookings that have none yet.
-- Null for an offer that gives no uploaded codes. It runs with the caller's rights.
create function codes_left(timebank_id bigint, offer_id bigint, day date)
returns bigint
language sql stable set search_path = ''
as $$
    select greatest(0, (
               select count(*) from public.pool_code c
                where c.timebank_id = codes_left.timebank_id and c.offer_id = codes_left.offer_id and c.state = 'free'
                  and (c.expires_on is null or c.expires_on >= codes_left.day))
         - (select count(*) from public.redemption r
             where r.timebank_id = codes_left.timebank_id and r.offer_id = codes_left.offer_id
               and r.state = 'requested'))
      from public.voucher_terms t
     where t.timebank_id = codes_left.timebank_id and t.offer_id = codes_left.offer_id and t.source = 'pool'
$$;
revoke all on function codes_left(bigint, bigint, date) from public;
grant execute on function codes_left(bigint, bigint, date) to timebank_app;

-- A secret is looked up before its time bank is known.
create function find_supplier_link(token_sha256 bytea)
returns table (
    link_id bigint, timebank_id bigint, timebank_name text, time_zone text, currency text, help_contact text,
    payee_id bigint, payee_name text, expires_at timestamptz, ended_at timestamptz
)
language sql stable security definer set search_path = ''
as $$
    select l.id, l.timebank_id, t.name, t.time_zone, t.currency, t.help_contact, l.payee_id, p.name, l.expires_at,
           l.ended_at
      from public.supplier_link l
      join public.timebank t on t.id = l.timebank_id
      join public.payee p on p.timebank_id = l.timebank_id and p.id = l.payee_id
     where l.token_sha256 = find_supplier_link.token_sha256
$$;
revoke all on function find_supplier_link(bytea) from public;
grant execute on function find_supplier_link(bytea) to timebank_app;
