-- What people say for themselves: photos and words about time they gave, who decides when an approver is away, and
-- "This isn't right" about an entry.

-- Pictures are re-made when they come: no location, no size beyond the limits. Not yet part of anything, they are
-- deleted after a day.
create table photo (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    member_id   bigint      not null, -- whose time it is about
    added_by    bigint      not null,
    added_at    timestamptz not null,
    sha256      bytea       not null check (octet_length(sha256) = 32),
    width       integer     not null check (width between 1 and 4000),
    height      integer     not null check (height between 1 and 4000),
    content     bytea       not null check (octet_length(content) between 1 and 1500000),
    primary key (timebank_id, id),
    unique (timebank_id, member_id, sha256),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id)
);

create table evidence (
    timebank_id     bigint not null references timebank,
    contribution_id bigint not null,
    words           text   not null default '' check (length(words) <= 2000),
    photo_id        bigint,
    primary key (timebank_id, contribution_id),
    foreign key (timebank_id, contribution_id) references contribution (timebank_id, id),
    foreign key (timebank_id, photo_id) references photo (timebank_id, id)
);
create index evidence_by_photo on evidence (timebank_id, photo_id) where photo_id is not null;

-- Who decides in an approver's place, and on which days.
create table approver_deputy (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    approver_id  bigint      not null,
    deputy_id    bigint      not null,
    starts_on    date        not null,
    ends_on      date        not null,
    named_by     bigint      not null,
    named_at     timestamptz not null,
    withdrawn_at timestamptz,
    primary key (timebank_id, id),
    foreign key (timebank_id, approver_id) references member (timebank_id, id),
    foreign key (timebank_id, deputy_id) references member (timebank_id, id),
    foreign key (timebank_id, named_by) references member (timebank_id, id),
    check (deputy_id <> approver_id),
    check (ends_on >= starts_on)
);
create index approver_deputy_by_deputy on approver_deputy (timebank_id, deputy_id) where withdrawn_at is null;

-- One member's question about one entry. Nobody owns it (owner_id is null) when nobody who is independent of the entry
-- could: then the time bank's independent person answers. A second round asks about the answer of the first.
create table concern (
    timebank_id      bigint      not null references timebank,
    id               bigint      generated always as identity,
    member_id        bigint      not null,
    about            text        not null check (length(about) between 1 and 60), -- "time:17" or "entry:<uuid>"
    entry_id         uuid,
    contribution_id  bigint,
    title            text        not null check (length(title) between 1 and 300), -- the entry in words, as it was read
    entry_minutes    integer     not null, -- the time given, or what the entry did to the member's hours
    happened_on      date        not null,
    round            integer     not null check (round in (1, 2)),
    asked            text        not null check (length(asked) between 1 and 2000),
    asked_by         bigint      not null,
    asked_at         timestamptz not null,
    due_on           date        not null,
    owner_id         bigint,
    owned_since      timestamptz,
    state            text        not null check (state in ('open', 'upheld', 'corrected')),
    answer           text        not null default '' check (length(answer) <= 2000),
    answered_by      bigint,
    answered_at      timestamptz,
    spoken_by        text        not null default '' check (length(spoken_by) <= 200), -- the independent person
    changed_minutes  integer     not null default 0, -- what the answer did to the member's hours
    correction_entry_id uuid,
    rules_version    integer     not null,
    primary key (timebank_id, id),
    unique (timebank_id, member_id, about, round),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, contribution_id) references contribution (timebank_id, id),
    foreign key (timebank_id, asked_by) references member (timebank_id, id),
    foreign key (timebank_id, owner_id) references member (timebank_id, id),
    foreign key (timebank_id, answered_by) references member (timebank_id, id),
    foreign key (timebank_id, rules_version) references rules (timebank_id, version),
    check (entry_id is not null or contribution_id is not null),
    check ((state = 'open') = (answered_at is null)),
    check ((answered_at is null) = (answered_by is null)),
    check ((state = 'open') = (answer = ''))
);
create index concern_by_member on concern (timebank_id, member_id, asked_at desc);
create index concern_open on concern (timebank_id, due_on) where state = 'open';
create index concern_by_owner on concern (timebank_id, owner_id) where state = 'open';
create index concern_by_correction on concern (timebank_id, correction_entry_id) where correction_entry_id is not null;
create index concern_by_contribution on concern (timebank_id, contribution_id) where contribution_id is not null;

-- Every step, for the member to read: asked, given to somebody, answered.
create table concern_step (
    timebank_id bigint      not null references timebank,
    concern_id  bigint      not null,
    n           integer     not null check (n > 0),
    what        text        not null check (what in ('asked', 'given', 'answered')),
    actor_id    bigint, -- null: the service itself
    owner_id    bigint,
    at          timestamptz not null,
    reason      text        not null default '' check (length(reason) <= 500),
    primary key (timebank_id, concern_id, n),
    foreign key (timebank_id, concern_id) references concern (timebank_id, id),
    foreign key (timebank_id, actor_id) references member (timebank_id, id),
    foreign key (timebank_id, owner_id) references member (timebank_id, id)
);

call protect_tenant_table('photo', 'select, insert, update, delete');
call protect_tenant_table('evidence', 'select, insert, update, delete');
call protect_tenant_table('approver_deputy', 'select, insert, update');
call protect_tenant_table('concern', 'select, insert, update');
call protect_tenant_table('concern_step', 'select, insert');
