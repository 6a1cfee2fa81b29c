-- Messages to members, by their own channel. A message is written in the transaction of what it is about, and sent later.
-- A delivery is what goes out: one e-mail, text, call or letter, with one message in it or several.

create table delivery (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    member_id     bigint      not null,
    channel       text        not null check (channel in ('email', 'sms', 'phone', 'letter')),
    only_address  text        not null default '' check (length(only_address) <= 500), -- where they were reached before
    state         text        not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'dropped')),
    attempts      integer     not null default 0 check (attempts between 0 and 1000),
    trouble       text        not null default '' check (length(trouble) <= 200), -- why the last try failed; no addresses
    batch         integer     check (batch > 0),                                  -- letters that are printed together
    created_at    timestamptz not null,
    queued_at     timestamptz not null,                                           -- since when it is tried
    next_at       timestamptz not null,
    claimed_until timestamptz,
    sent_at       timestamptz,                                                    -- for a letter: when it was printed
    settled_by    bigint,                                                         -- who called, or printed
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, settled_by) references member (timebank_id, id),
    check ((state = 'sent') = (sent_at is not null)),
    check (batch is null or channel = 'letter')
);
create index delivery_due on delivery (timebank_id, channel, next_at, id) where state = 'waiting';
create index delivery_by_member on delivery (timebank_id, member_id, created_at desc);
create index delivery_failed on delivery (timebank_id, id) where state = 'failed';
-- Further messages go into the letter or call that still waits.
create unique index delivery_open_by_hand on delivery (timebank_id, member_id, channel)
    where state = 'waiting' and batch is null and only_address = '' and channel in ('phone', 'letter');

create table message (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    member_id    bigint      not null,
    kind         text        not null check (length(kind) between 1 and 60),
    subject      text        not null check (length(subject) between 1 and 140),
    body         text        not null check (length(body) <= 4000),
    path         text        not null default '' check (length(path) <= 200),
    is_urgent    boolean     not null default false,
    -- kept: on their page and next statement only; dropped: they had left or paused
    state        text        not null default 'waiting' check (state in ('waiting', 'packed', 'kept', 'dropped')),
    delivery_id  bigint,
    dedupe       text        not null check (length(dedupe) between 1 and 200),
    created_at   timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, dedupe),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, delivery_id) references delivery (timebank_id, id),
    check ((state = 'packed') = (delivery_id is not null))
);
create index message_by_member on message (timebank_id, member_id, id desc);
create index message_waiting on message (timebank_id, member_id, id) where state = 'waiting';
create index message_by_delivery on message (timebank_id, delivery_id) where delivery_id is not null;

-- Text messages that the demo would have sent.
create table text_outbox (
    timebank_id bigint      not null,
    delivery_id bigint      not null,
    body        text        not null check (length(body) <= 500),
    at          timestamptz not null,
    primary key (timebank_id, delivery_id),
    foreign key (timebank_id, delivery_id) references delivery (timebank_id, id)
);

-- Background work: what each job did last in each time bank, and when it comes again.
create table job_run (
    timebank_id  bigint      not null references timebank,
    job          text        not null check (length(job) between 1 and 60),
    started_at   timestamptz not null,
    finished_at  timestamptz,
    succeeded_at timestamptz,
    next_at      timestamptz not null,
    failures     integer     not null default 0 check (failures >= 0), -- in a row
    error        text        not null default '' check (length(error) <= 200),
    primary key (timebank_id, job)
);

call protect_tenant_table('message', 'select, insert, update');
call protect_tenant_table('delivery', 'select, insert, update');
call protect_tenant_table('text_outbox', 'select, insert, delete'); -- what was kept of somebody who leaves goes
call protect_tenant_table('job_run', 'select, insert, update');

grant delete on sign_in_link to timebank_app; -- old ones are purged
create index sign_in_link_by_member on sign_in_link (timebank_id, expires_at);
