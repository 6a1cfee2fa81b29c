-- Gifts with a note, asking the community pot for hours, and printed statements that somebody else can check.

-- What the ledger does not say about a gift: the note. The entry says who, to whom and how much; the row repeats it so
-- that a list of gifts is one query.
create table gift (
    timebank_id    bigint      not null references timebank,
    id             bigint      generated always as identity,
    entry_id       uuid        not null,
    from_member_id bigint      not null,
    to_member_id   bigint,                      -- null: the community pot
    minutes        integer     not null check (minutes > 0),
    note           text        not null default '' check (length(note) <= 200),
    given_at       timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, entry_id),
    foreign key (timebank_id, from_member_id) references member (timebank_id, id),
    foreign key (timebank_id, to_member_id) references member (timebank_id, id),
    check (from_member_id <> to_member_id)
);
create index gift_by_giver on gift (timebank_id, from_member_id, id desc);
create index gift_by_receiver on gift (timebank_id, to_member_id, id desc);
call protect_tenant_table('gift', 'select, insert, update');

-- Hours from the pot: asked for by a member, or offered by a coordinator. Whoever decides is neither the member nor who
-- wrote it down; what a coordinator may give alone is decided at once, by themselves.
create table pot_ask (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    member_id     bigint      not null,
    kind          text        not null check (kind in ('asked', 'offered')),
    minutes       integer     not null check (minutes > 0),
    what_for      text        not null default '' check (length(what_for) <= 300),
    asked_by      bigint      not null,
    asked_at      timestamptz not null,
    state         text        not null check (state in ('waiting', 'given', 'declined', 'withdrawn')),
    given_minutes integer     check (given_minutes between 1 and minutes),
    decided_by    bigint,
    decided_at    timestamptz,
    reason        text        not null default '' check (length(reason) <= 500),
    entry_id      uuid,
    primary key (timebank_id, id),
    unique (timebank_id, entry_id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, asked_by) references member (timebank_id, id),
    foreign key (timebank_id, decided_by) references member (timebank_id, id),
    check ((state = 'given') = (entry_id is not null and given_minutes is not null)),
    check ((state = 'waiting') = (decided_at is null)),
    check (decided_by <> member_id)
);
-- One at a time for each member, however many phones ask.
create unique index pot_ask_waiting on pot_ask (timebank_id, member_id) where state = 'waiting';
create index pot_ask_by_member on pot_ask (timebank_id, member_id, id desc);
create index pot_ask_in_state on pot_ask (timebank_id, state, id);
call protect_tenant_table('pot_ask', 'select, insert, update');

-- Turning the checking off ends every code at once and for good, wherever it is turned off: codes belong to the round in
-- which they were made.
alter table member add column statement_round integer not null default 0;
create function end_statement_codes() returns trigger
language plpgsql set search_path = ''
as $$
begin
    new.statement_round := old.statement_round + 1;
    return new;
end $$;
create trigger member_ends_statement_codes before update of statement_checks on member
    for each row when (old.statement_checks and not new.statement_checks)
    execute function end_statement_codes();

-- What a printed statement says, under the code at its foot. There is one only while the member lets others check; the
-- same paper printed twice on one day has the same code.
create table statement_code (
    timebank_id     bigint      not null references timebank,
    id              bigint      generated always as identity,
    member_id       bigint      not null,
    code            text        not null check (code ~ '^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$'),
    code_sha256     bytea       not null check (length(code_sha256) = 32),
    display_name    text        not null check (length(display_name) <= 100),
    first_on        date        not null,
    last_on         date        not null check (last_on >= first_on),
    opening_minutes bigint      not null,
    came_minutes    bigint      not null check (came_minutes >= 0),
    went_minutes    bigint      not null check (went_minutes >= 0),
    closing_minutes bigint      not null check (closing_minutes = opening_minutes + came_minutes - went_minutes),
    entries         integer     not null check (entries >= 0),
    made_on         date        not null,
    made_by         bigint      not null,
    made_at         timestamptz not null,
    round           integer     not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, made_by) references member (timebank_id, id)
);
create unique index statement_code_by_digest on statement_code (code_sha256);
create unique index statement_code_of_paper on statement_code
    (timebank_id, member_id, first_on, last_on, made_on, opening_minutes, came_minutes, went_minutes, entries,
     display_name, round);
call protect_tenant_table('statement_code', 'select, insert, update');

-- That somebody checked a paper, for the member to read; nothing about who it was.
create table statement_look (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    code_id     bigint      not null,
    at          timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, code_id) references statement_code (timebank_id, id)
);
create index statement_look_by_code on statement_look (timebank_id, code_id, id desc);
call protect_tenant_table('statement_look', 'select, insert, delete');

-- Codes that were tried from one network in one hour, before it is known whose they are (global, like sign_in_attempt).
-- The mark is four bytes of a digest of network and day. Old rows go with the next one.
create table statement_try (
    mark  bytea       not null check (length(mark) = 4),
    hour  timestamptz not null,
    times integer     not null check (times >= 0),
    primary key (mark, hour)
);
grant select, insert, update, delete on statement_try to timebank_app;

-- Whose paper it is: nothing for a code that does not exist, has ended, or whose member lets nobody check.
create function find_statement_code(code_sha256 bytea)
returns table (timebank_id bigint, id bigint)
language sql stable security definer set search_path = ''
as $$
    select c.timebank_id, c.id
      from public.statement_code c
      join public.member m on m.timebank_id = c.timebank_id and m.id = c.member_id
     where c.code_sha256 = find_statement_code.code_sha256 and c.round = m.statement_round
       and m.statement_checks and m.status <> 'left'
$$;
revoke all on function find_statement_code(bytea) from public;
grant execute on function find_statement_code(bytea) to timebank_app;
