-- What people paid themselves and get back, and what the programme pays so that somebody can take part.
--
-- claim --< claim_line >-- receipt        claim --< claim_event
-- access_cost --< access_receipt >-- receipt

-- A photo of a receipt. The hash stays when the picture is erased after the years that the law asks for.
create table receipt (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    member_id   bigint      not null, -- whose cost it shows
    added_by    bigint      not null,
    added_at    timestamptz not null,
    sha256      bytea       not null check (octet_length(sha256) = 32),
    width       integer     not null check (width between 1 and 4000),
    height      integer     not null check (height between 1 and 4000),
    content     bytea       check (octet_length(content) between 1 and 1500000),
    primary key (timebank_id, id),
    unique (timebank_id, member_id, sha256),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id)
);
create index receipt_by_hash on receipt (timebank_id, sha256);

create table claim (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    reference   text        not null check (length(reference) between 8 and 12),
    member_id   bigint      not null, -- who paid, and is paid back
    state       text        not null check (state in ('draft', 'sent', 'asked', 'agreed', 'declined')),
    made_by     bigint      not null,
    made_at     timestamptz not null,
    changed_at  timestamptz not null,
    sent_by     bigint,
    sent_at     timestamptz,
    how_agreed  text        not null default '' check (length(how_agreed) <= 300), -- when somebody sent it for them
    decided_by  bigint,
    decided_at  timestamptz,
    follows_id  bigint, -- the claim whose declined costs are looked at again here
    primary key (timebank_id, id),
    unique (timebank_id, reference),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id),
    foreign key (timebank_id, sent_by) references member (timebank_id, id),
    foreign key (timebank_id, decided_by) references member (timebank_id, id),
    foreign key (timebank_id, follows_id) references claim (timebank_id, id),
    check ((sent_by is null) = (sent_at is null)),
    check ((sent_at is null) = (state = 'draft')),
    check ((decided_by is null) = (decided_at is null)),
    check ((decided_at is null) = (state in ('draft', 'sent', 'asked'))),
    check (decided_by <> member_id and decided_by <> sent_by)
);
-- One open draft for each member: costs are added to it one at a time.
create unique index claim_draft on claim (timebank_id, member_id) where state = 'draft';
create unique index claim_follows on claim (timebank_id, follows_id) where follows_id is not null;
create index claim_by_member on claim (timebank_id, member_id, id);
create index claim_waiting on claim (timebank_id, sent_at, id) where state in ('sent', 'asked');

create table claim_line (
    timebank_id      bigint      not null references timebank,
    claim_id         bigint      not null,
    n                integer     not null check (n > 0),
    kind             text        not null
        check (kind in ('bus', 'train', 'taxi', 'mileage', 'carer', 'meal', 'other')),
    day              date        not null,
    what_for         text        not null default '' check (length(what_for) <= 200),
    session_id       bigint,
    tenths_of_mile   integer     check (tenths_of_mile > 0),
    minutes          integer     check (minutes > 0),
    rate_pence       bigint      check (rate_pence >= 0), -- the rate of that day, as it was
    rate_id          bigint,                              -- and which one
    pence            bigint      not null check (pence > 0),
    receipt_id       bigint,
    no_receipt_why   text        not null default '' check (length(no_receipt_why) <= 200),
    duplicate_reason text        not null default '' check (length(duplicate_reason) <= 200),
    is_declined      boolean     not null default false,
    decline_reason   text        not null default '' check (length(decline_reason) <= 500),
    added_by         bigint      not null,
    added_at         timestamptz not null,
    primary key (timebank_id, claim_id, n),
    foreign key (timebank_id, claim_id) references claim (timebank_id, id),
    foreign key (timebank_id, session_id) references session (timebank_id, id),
    foreign key (timebank_id, receipt_id) references receipt (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id),
    check ((kind = 'mileage') = (tenths_of_mile is not null)),
    check ((kind = 'carer') = (minutes is not null)),
    check (is_declined = (decline_reason <> ''))
);
create index claim_line_by_day on claim_line (timebank_id, day, pence);
create index claim_line_by_receipt on claim_line (timebank_id, receipt_id) where receipt_id is not null;

-- What happened to a claim and what was said about it. Never changed, except that words go when the member leaves.
create table claim_event (
    timebank_id bigint      not null references timebank,
    claim_id    bigint      not null,
    n           integer     not null check (n > 0),
    step        text        not null check (step in ('sent', 'taken_back', 'asked', 'answered', 'agreed', 'declined')),
    actor_id    bigint      not null,
    at          timestamptz not null,
    words       text        not null default '' check (length(words) <= 500),
    primary key (timebank_id, claim_id, n),
    foreign key (timebank_id, claim_id) references claim (timebank_id, id),
    foreign key (timebank_id, actor_id) references member (timebank_id, id)
);

-- A taxi, a carer or an interpreter: booked with a supplier, or paid with money given beforehand.
create table access_cost (
    timebank_id    bigint      not null references timebank,
    id             bigint      generated always as identity,
    reference      text        not null check (length(reference) between 8 and 12),
    member_id      bigint      not null, -- who can take part through it
    session_id     bigint,
    kind           text        not null check (kind in ('taxi', 'carer', 'interpreter', 'other')),
    way            text        not null check (way in ('supplier', 'advance')),
    payee_id       bigint      not null, -- the supplier, or for an advance the member
    day            date        not null,
    what_for       text        not null default '' check (length(what_for) <= 200),
    pence          bigint      not null check (pence > 0), -- agreed with the supplier, or given in cash
    signed_name    text        not null default '' check (length(signed_name) <= 100), -- who signed for the cash
    state          text        not null check (state in ('booked', 'given', 'settled', 'cancelled')),
    spent_pence    bigint      not null default 0 check (spent_pence >= 0),
    returned_pence bigint      not null default 0 check (returned_pence >= 0),
    made_by        bigint      not null,
    made_at        timestamptz not null,
    entry_id       uuid, -- written in the same transaction, once its number is known
    ended_by       bigint, -- who settled or cancelled it
    ended_at       timestamptz,
    end_reason     text        not null default '' check (length(end_reason) <= 500),
    end_entry_ids  uuid[],
    primary key (timebank_id, id),
    unique (timebank_id, reference),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, session_id) references session (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id),
    foreign key (timebank_id, ended_by) references member (timebank_id, id),
    check (made_by <> member_id),
    check (ended_by <> member_id),
    check ((way = 'advance') = (signed_name <> '')),
    check (way = 'advance' or state in ('booked', 'cancelled')),
    check (way = 'supplier' or state in ('given', 'settled')),
    check ((ended_by is null) = (state in ('booked', 'given'))),
    check ((ended_by is null) = (ended_at is null)),
    check (state <> 'settled' or ended_by <> made_by), -- two people
    -- Every penny that was given came back or was spent; who spent more brought nothing back and is owed the rest.
    check (state <> 'settled' or spent_pence + returned_pence = pence or (spent_pence > pence and returned_pence = 0))
);
create index access_cost_by_member on access_cost (timebank_id, member_id, id);
create index access_cost_open on access_cost (timebank_id, made_at, id) where state = 'given';

create table access_receipt (
    timebank_id    bigint      not null references timebank,
    access_cost_id bigint      not null,
    n              integer     not null check (n > 0),
    what           text        not null check (length(what) between 1 and 200),
    pence          bigint      not null check (pence > 0),
    receipt_id     bigint,
    no_receipt_why text        not null default '' check (length(no_receipt_why) <= 200),
    added_by       bigint      not null,
    added_at       timestamptz not null,
    primary key (timebank_id, access_cost_id, n),
    foreign key (timebank_id, access_cost_id) references access_cost (timebank_id, id),
    foreign key (timebank_id, receipt_id) references receipt (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id),
    check ((receipt_id is null) <> (no_receipt_why = ''))
);
create index access_receipt_by_receipt on access_receipt (timebank_id, receipt_id) where receipt_id is not null;

call protect_tenant_table('receipt', 'select, insert, update, delete');
call protect_tenant_table('claim', 'select, insert, update, delete');
call protect_tenant_table('claim_line', 'select, insert, update, delete');
call protect_tenant_table('claim_event', 'select, insert, update');
call protect_tenant_table('access_cost', 'select, insert, update');
call protect_tenant_table('access_receipt', 'select, insert, update');
