-- Time given, in full: for the programme, between members, by guests, brought forward; where it was credited, who paid
-- for it, and every later change. Rows are changed and never deleted: what they said before is in contribution_change.

alter table register
    drop constraint register_source_check,
    add constraint register_source_check check (source in ('page', 'file', 'api', 'self', 'check_in', 'import'));

-- Somebody who came and is no member yet. The name is empty once it is forgotten.
create table guest (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    name         text        not null check (length(name) <= 100),
    name_key     text        not null check (length(name_key) <= 400),
    added_by     bigint      not null,
    added_at     timestamptz not null,
    member_id    bigint,
    joined_at    timestamptz,
    forgotten_at timestamptz,
    primary key (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    check ((member_id is null) = (joined_at is null)),
    check ((name = '') = (forgotten_at is not null)),
    check (joined_at is null or forgotten_at is null)
);
create index guest_waiting on guest (timebank_id, name_key) where joined_at is null and forgotten_at is null;
call protect_tenant_table('guest', 'select, insert, update');

alter table contribution
    alter column activity_id drop not null,             -- hours brought forward belong to no group
    alter column member_id drop not null,               -- a guest's
    add column guest_id bigint,
    add column kind text not null default 'given' check (kind in ('given', 'exchange', 'staff', 'brought_forward')),
    add column starts_at time,                          -- on the time bank's wall clock
    add column preparation_minutes integer not null default 0 check (preparation_minutes >= 0), -- part of minutes
    add column travel_minutes integer not null default 0 check (travel_minutes >= 0),           -- part of minutes
    add column evidence text not null default '' check (length(evidence) <= 500),
    add column how_agreed text not null default '' check (length(how_agreed) <= 200),
    -- Where the minutes went, once approved: to the member, another member, the pot or nobody; a guest's wait.
    add column credited_to text check (credited_to in ('member', 'other', 'pot', 'none', 'guest')),
    add column credited_id bigint,                      -- the other member
    add column pot_minutes integer not null default 0,  -- what the pot paid of an exchange; below zero: what it got
    add column query_state text not null default '' check (query_state in ('', 'queried', 'upheld', 'corrected')),
    drop constraint contribution_state_check,
    add constraint contribution_state_check
        check (state in ('submitted', 'approved', 'declined', 'undone', 'removed')),
    drop constraint contribution_minutes_check,
    add constraint contribution_minutes_check
        check (minutes between 1 and case kind when 'brought_forward' then 600000 else 1440 end),
    drop constraint contribution_check,
    add constraint contribution_credited check (state <> 'approved' or credited_to is not null),
    add constraint contribution_other check ((credited_id is not null) = (credited_to is not distinct from 'other')),
    add constraint contribution_who check (member_id is not null or guest_id is not null),
    add constraint contribution_group check (activity_id is not null or kind = 'brought_forward'),
    add constraint contribution_parts check (preparation_minutes + travel_minutes <= minutes),
    add foreign key (timebank_id, guest_id) references guest (timebank_id, id),
    add foreign key (timebank_id, credited_id) references member (timebank_id, id);
create index contribution_by_guest on contribution (timebank_id, guest_id) where guest_id is not null;
create index contribution_by_entry on contribution (timebank_id, entry_id) where entry_id is not null;
create index contribution_by_undo_entry on contribution (timebank_id, undo_entry_id) where undo_entry_id is not null;

-- Ids are taken before the rows are written, because the ledger's keys are made of them.
grant usage on sequence contribution_id_seq to timebank_app;

-- Whom an exchange was for, and what each paid for it.
create table contribution_receiver (
    timebank_id     bigint  not null,
    contribution_id bigint  not null,
    member_id       bigint  not null,
    minutes         integer not null default 0 check (minutes >= 0),
    primary key (timebank_id, contribution_id, member_id),
    foreign key (timebank_id, contribution_id) references contribution (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id)
);
create index contribution_receiver_by_member on contribution_receiver (timebank_id, member_id);
call protect_tenant_table('contribution_receiver', 'select, insert, update');

-- Everything that happened to a contribution after it was decided. short_minutes: what our mistake cost, because the
-- hours were used already; below zero: what of that came back when the same time was raised again.
create table contribution_change (
    timebank_id     bigint      not null,
    contribution_id bigint      not null,
    n               integer     not null check (n > 0),
    step            text        not null
        check (step in ('queried', 'upheld', 'corrected', 'removed', 'added', 'joined')),
    minutes_before  integer     not null,
    minutes_after   integer     not null,
    held_on_before  date        not null,
    held_on_after   date        not null,
    short_minutes   integer     not null default 0,
    reason          text        not null default '' check (length(reason) <= 500),
    changed_by      bigint      not null,
    changed_at      timestamptz not null,
    primary key (timebank_id, contribution_id, n),
    foreign key (timebank_id, contribution_id) references contribution (timebank_id, id),
    foreign key (timebank_id, changed_by) references member (timebank_id, id)
);
call protect_tenant_table('contribution_change', 'select, insert');
grant update (reason) on contribution_change to timebank_app; -- emptied when the member leaves

-- The ledger's entries of such a change.
create table contribution_entry (
    timebank_id     bigint  not null,
    entry_id        uuid    not null,
    contribution_id bigint  not null,
    n               integer not null,
    primary key (timebank_id, entry_id),
    foreign key (timebank_id, contribution_id, n) references contribution_change (timebank_id, contribution_id, n)
);
call protect_tenant_table('contribution_entry', 'select, insert');
