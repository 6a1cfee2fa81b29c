-- Streams of work in full: where and how they meet, who leads them, their sessions, and who signed up and came.

alter table activity
    add column access_notes text not null default '' check (length(access_notes) <= 1000),
    add column is_step_free boolean not null default false,
    add column has_hearing_loop boolean not null default false,
    add column has_accessible_toilet boolean not null default false,
    add column has_quiet_room boolean not null default false,
    add column route text not null default '' check (length(route) <= 1000),
    add column breaks text not null default '' check (length(breaks) <= 500),
    add column budget_code text not null default '' check (length(budget_code) <= 40),
    add column funder text not null default '' check (length(funder) <= 100),
    add column preparation_minutes integer not null default 0 check (preparation_minutes between 0 and 1440),
    add column travel_minutes integer not null default 0 check (travel_minutes between 0 and 1440),
    add column is_listed boolean not null default true;

-- Who leads an activity, from a day and, when they stop, until one (that day included; the day before the first: never).
create table activity_leader (
    timebank_id bigint      not null references timebank,
    activity_id bigint      not null,
    member_id   bigint      not null,
    from_day    date        not null,
    until_day   date,
    added_by    bigint,
    added_at    timestamptz not null,
    primary key (timebank_id, activity_id, member_id, from_day),
    foreign key (timebank_id, activity_id) references activity (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id),
    check (until_day >= from_day - 1)
);
create index activity_leader_by_member on activity_leader (timebank_id, member_id);
call protect_tenant_table('activity_leader', 'select, insert, update');

-- Sessions that were planned together: "every second Tuesday". The rule is an RFC 5545 RRULE; the sessions are rows of
-- their own, so that one of them can be changed without the others.
create table session_series (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    activity_id bigint      not null,
    rule        text        not null check (length(rule) between 1 and 200),
    first_day   date        not null,
    made_by     bigint,
    made_at     timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, activity_id) references activity (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id)
);
call protect_tenant_table('session_series', 'select, insert');

-- One dated occurrence. Day and time are those of the wall clock in the time bank's zone, and exist there: a time that
-- a clock change leaves out is moved before it is stored, and moved_from keeps what was asked for.
create table session (
    timebank_id         bigint      not null references timebank,
    id                  bigint      generated always as identity,
    activity_id         bigint      not null,
    series_id           bigint,
    held_on             date        not null,
    starts_at           time        not null,
    moved_from          time,
    planned_minutes     integer     not null check (planned_minutes between 1 and 1440),
    preparation_minutes integer     not null default 0 check (preparation_minutes between 0 and 1440),
    travel_minutes      integer     not null default 0 check (travel_minutes between 0 and 1440),
    room                text        not null default '' check (length(room) <= 100),
    capacity            integer     check (capacity between 1 and 10000),
    who                 text        not null default '' check (length(who) <= 500),
    papers              text        not null default '' check (length(papers) <= 500),
    state               text        not null default 'planned' check (state in ('planned', 'cancelled')),
    cancel_reason       text        not null default '' check (length(cancel_reason) <= 200),
    cancelled_at        timestamptz,
    version             integer     not null default 1 check (version > 0),
    made_by             bigint,
    made_at             timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, activity_id) references activity (timebank_id, id),
    foreign key (timebank_id, series_id) references session_series (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id),
    check ((state = 'cancelled') = (cancelled_at is not null)),
    check (planned_minutes + preparation_minutes + travel_minutes <= 1440)
);
create unique index session_once on session (timebank_id, activity_id, held_on, starts_at) where state = 'planned';
create index session_by_day on session (timebank_id, held_on, starts_at);
create index session_by_series on session (timebank_id, series_id, held_on) where series_id is not null;
call protect_tenant_table('session', 'select, insert, update');

-- One person and one session: signed up, checked in, or had set out when it was cancelled. One row, so each happens once.
create table attendance (
    timebank_id   bigint      not null references timebank,
    session_id    bigint      not null,
    member_id     bigint      not null,
    signed_up_at  timestamptz,
    signed_up_by  bigint,
    checked_in_at timestamptz,
    checked_in_by bigint,
    had_set_out   boolean     not null default false,
    reminded_for  timestamptz,
    primary key (timebank_id, session_id, member_id),
    foreign key (timebank_id, session_id) references session (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, signed_up_by) references member (timebank_id, id),
    foreign key (timebank_id, checked_in_by) references member (timebank_id, id),
    check ((signed_up_at is null) = (signed_up_by is null)),
    check ((checked_in_at is null) = (checked_in_by is null))
);
create index attendance_by_member on attendance (timebank_id, member_id, session_id);
call protect_tenant_table('attendance', 'select, insert, update');

-- Photos of the place for the advance sheet: made anew without location. They show places, never people.
create table activity_photo (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    activity_id bigint      not null,
    words       text        not null check (length(words) between 1 and 200),
    width       integer     not null check (width > 0),
    height      integer     not null check (height > 0),
    content     bytea       not null check (length(content) <= 1500000),
    added_by    bigint      not null,
    added_at    timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, activity_id) references activity (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id)
);
create index activity_photo_by_activity on activity_photo (timebank_id, activity_id, id);
call protect_tenant_table('activity_photo', 'select, insert, delete');

-- The code on the wall of an activity. It signs nobody in; it only lets a member say "I am here" around the session's
-- time. So the code itself is kept, to print the poster again. A new one ends the old one.
create table check_in_code (
    timebank_id bigint      not null references timebank,
    activity_id bigint      not null,
    code        text        not null check (code ~ '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$'),
    code_sha256 bytea       not null check (length(code_sha256) = 32),
    made_by     bigint      not null,
    made_at     timestamptz not null,
    ended_at    timestamptz,
    primary key (timebank_id, activity_id, code),
    foreign key (timebank_id, activity_id) references activity (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id)
);
create unique index check_in_code_by_digest on check_in_code (code_sha256);
create unique index check_in_code_in_use on check_in_code (timebank_id, activity_id) where ended_at is null;
call protect_tenant_table('check_in_code', 'select, insert, update');

-- Whose wall a code hangs on, before it is known whether it is the viewer's own time bank.
create function find_check_in_code(code_sha256 bytea)
returns table (timebank_id bigint, timebank_name text, activity_id bigint, ended_at timestamptz)
language sql stable security definer set search_path = ''
as $$
    select c.timebank_id, t.name, c.activity_id, c.ended_at
      from public.check_in_code c
      join public.timebank t on t.id = c.timebank_id
     where c.code_sha256 = find_check_in_code.code_sha256
$$;
revoke all on function find_check_in_code(bytea) from public;
grant execute on function find_check_in_code(bytea) to timebank_app;
