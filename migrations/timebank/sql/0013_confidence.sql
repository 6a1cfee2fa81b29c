-- What somebody tells in confidence. Who may read it is decided by timebank/confidence, from safeguarding_person: the lead,
-- deputies and independent people, and never whom it is about. The text is nowhere else: not in messages, not in logs.

create table confidence_report (
    timebank_id    bigint      not null references timebank,
    id             bigint      generated always as identity,
    reference      text        not null check (length(reference) <= 20),
    code_sha256    bytea       not null check (length(code_sha256) = 32), -- opens the answer, for who told it
    how            text        not null check (how in ('page', 'phone', 'paper', 'talk')),
    happened       text        not null check (length(happened) between 1 and 5000),
    about          text        not null default '' check (length(about) <= 200),
    reach          text        not null default '' check (length(reach) <= 300),
    from_member_id bigint,                                                -- null: they did not say who they are
    taken_by       bigint,                                                -- who wrote down what was said or written
    told_at        timestamptz not null,
    due_on         date        not null,
    state          text        not null default 'new' check (state in ('new', 'open', 'closed')),
    answer         text        not null default '' check (length(answer) <= 4000),
    primary key (timebank_id, id),
    unique (timebank_id, reference),
    unique (timebank_id, code_sha256),
    foreign key (timebank_id, from_member_id) references member (timebank_id, id),
    foreign key (timebank_id, taken_by) references member (timebank_id, id),
    check ((how = 'page') = (taken_by is null))
);
create index confidence_report_open on confidence_report (timebank_id, due_on) where state <> 'closed';
call protect_tenant_table('confidence_report', 'select, insert, update');

-- Whom it is about among those who could read it; once on this list, always.
create table confidence_excluded (
    timebank_id bigint not null references timebank,
    report_id   bigint not null,
    member_id   bigint not null,
    primary key (timebank_id, report_id, member_id),
    foreign key (timebank_id, report_id) references confidence_report (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id)
);
call protect_tenant_table('confidence_excluded', 'select, insert');

-- Everything that was done with it, in order, for ever: who read it, noted, answered, closed.
create table confidence_step (
    timebank_id bigint      not null references timebank,
    report_id   bigint      not null,
    n           integer     not null check (n > 0),
    what        text        not null check (what in ('told', 'read', 'noted', 'answered', 'closed', 'reopened')),
    words       text        not null default '' check (length(words) <= 4000),
    actor_id    bigint,
    at          timestamptz not null,
    primary key (timebank_id, report_id, n),
    foreign key (timebank_id, report_id) references confidence_report (timebank_id, id),
    foreign key (timebank_id, actor_id) references member (timebank_id, id)
);
call protect_tenant_table('confidence_step', 'select, insert');

-- How much came from one network in one hour. The mark is two bytes of a digest: enough to count, too little to find
-- anybody by. Old rows go with the next one.
create table confidence_count (
    timebank_id bigint      not null references timebank,
    what        text        not null check (what in ('tell', 'code')),
    mark        bytea       not null check (length(mark) = 2),
    hour        timestamptz not null,
    times       integer     not null check (times > 0),
    primary key (timebank_id, what, mark, hour)
);
call protect_tenant_table('confidence_count', 'select, insert, update, delete');
