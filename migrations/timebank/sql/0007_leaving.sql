-- Pausing and leaving, and what only few may see of a member: age, guardian, checks.

-- While paused a member keeps their hours and can sign in, but books nothing. until_on null: until they come back.
create table pause (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    member_id   bigint      not null,
    why         text        not null check (why in ('asked', 'consent', 'leaving')),
    until_on    date,
    begun_by    bigint,
    begun_at    timestamptz not null,
    ended_at    timestamptz,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, begun_by) references member (timebank_id, id),
    check (until_on is null or why = 'asked'),
    check (ended_at >= begun_at)
);
create unique index pause_open on pause (timebank_id, member_id) where ended_at is null;
call protect_tenant_table('pause', 'select, insert, update');

-- Leaving: asked for, with some days to think again, then done once. A death goes the same way, and nobody writes.
create table departure (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    member_id     bigint      not null,
    kind          text        not null check (kind in ('leaves', 'died')),
    state         text        not null default 'waiting' check (state in ('waiting', 'taken_back', 'done')),
    asked_by      bigint,
    asked_at      timestamptz not null,
    erase_at      timestamptz not null,
    ended_by      bigint,
    ended_at      timestamptz,
    minutes       bigint,
    entry_id      uuid,
    rules_version integer,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, asked_by) references member (timebank_id, id),
    foreign key (timebank_id, ended_by) references member (timebank_id, id),
    foreign key (timebank_id, rules_version) references rules (timebank_id, version),
    check ((state = 'waiting') = (ended_at is null)),
    check ((state = 'done') = (minutes is not null)),
    check ((entry_id is not null) = (minutes is not null and minutes <> 0)),
    check (erase_at >= asked_at)
);
create unique index departure_open on departure (timebank_id, member_id) where state = 'waiting';
create index departure_due on departure (timebank_id, erase_at) where state = 'waiting';
call protect_tenant_table('departure', 'select, insert, update');

-- Safeguarding: one lead, their deputies, and independent people who only read what is told in confidence.
create table safeguarding_person (
    timebank_id bigint      not null references timebank,
    member_id   bigint      not null,
    part        text        not null check (part in ('lead', 'deputy', 'independent')),
    named_by    bigint,
    named_at    timestamptz not null,
    primary key (timebank_id, member_id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, named_by) references member (timebank_id, id)
);
create unique index safeguarding_lead on safeguarding_person (timebank_id) where part = 'lead';
call protect_tenant_table('safeguarding_person', 'select, insert, update, delete');

-- Who is of age; the day of birth only of those who are not, and it goes when they are.
create table member_age (
    timebank_id bigint      not null references timebank,
    member_id   bigint      not null,
    born_on     date,
    recorded_by bigint,
    recorded_at timestamptz not null,
    primary key (timebank_id, member_id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, recorded_by) references member (timebank_id, id)
);
call protect_tenant_table('member_age', 'select, insert, update, delete');

create table guardian_consent (
    timebank_id      bigint      not null references timebank,
    id               bigint      generated always as identity,
    member_id        bigint      not null,
    guardian_name    text        not null check (length(guardian_name) between 1 and 100),
    guardian_contact text        not null check (length(guardian_contact) between 1 and 200),
    how              text        not null check (how in ('in_person', 'phone', 'letter', 'email')),
    given_on         date        not null,
    recorded_by      bigint,
    recorded_at      timestamptz not null,
    withdrawn_on     date,
    withdrawn_by     bigint,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, recorded_by) references member (timebank_id, id),
    foreign key (timebank_id, withdrawn_by) references member (timebank_id, id)
);
create unique index guardian_consent_live on guardian_consent (timebank_id, member_id) where withdrawn_on is null;
call protect_tenant_table('guardian_consent', 'select, insert, update, delete');

-- Checks and references that somebody saw: what kind, which number, from when until when. Never a copy.
create table member_check (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    member_id   bigint      not null,
    kind        text        not null check (kind in ('criminal_record', 'reference', 'identity', 'training', 'other')),
    number      text        not null default '' check (length(number) <= 60),
    issued_on   date        not null,
    expires_on  date        not null,
    seen_by     bigint,
    recorded_at timestamptz not null,
    ended_at    timestamptz,
    ended_by    bigint,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, seen_by) references member (timebank_id, id),
    foreign key (timebank_id, ended_by) references member (timebank_id, id),
    check (expires_on > issued_on)
);
create index member_check_by_member on member_check (timebank_id, member_id, kind, expires_on);
create index member_check_expiring on member_check (timebank_id, expires_on) where ended_at is null;
call protect_tenant_table('member_check', 'select, insert, update, delete');

-- What leaving takes away for good.
grant delete on sign_in_link, card, api_token to timebank_app;
grant update (reason) on redemption_event to timebank_app;

-- Paused members can still sign in (find_session is made again where acting for somebody is).
create or replace function find_sign_in_link(token_sha256 bytea)
returns table (
    timebank_id bigint, timebank_name text, member_id bigint, roles text[], expires_at timestamptz, used_at timestamptz
)
language sql stable security definer set search_path = ''
as $$
    select l.timebank_id, t.name, l.member_id,
           array(select r.role from public.member_role r
                  where r.timebank_id = l.timebank_id and r.member_id = l.member_id order by r.role),
           l.expires_at, l.used_at
      from public.sign_in_link l
      join public.timebank t on t.id = l.timebank_id
      join public.member m on m.timebank_id = l.timebank_id and m.id = l.member_id
     where l.token_sha256 = find_sign_in_link.token_sha256 and m.status in ('active', 'paused')
$$;

create or replace function find_card(token_sha256 bytea)
returns table (card_id bigint, timebank_id bigint, member_id bigint, roles text[], pin_hash text)
language sql stable security definer set search_path = ''
as $$
    select c.id, c.timebank_id, c.member_id,
           array(select r.role from public.member_role r
                  where r.timebank_id = c.timebank_id and r.member_id = c.member_id order by r.role),
           c.pin_hash
      from public.card c
      join public.member m on m.timebank_id = c.timebank_id and m.id = c.member_id
     where c.token_sha256 = find_card.token_sha256 and c.revoked_at is null and m.status in ('active', 'paused')
$$;

create or replace function find_api_token(token_sha256 bytea)
returns table (
    timebank_id bigint, member_id bigint, roles text[], scopes text[], expires_at timestamptz, revoked_at timestamptz
)
language sql stable security definer set search_path = ''
as $$
    select a.timebank_id, a.member_id,
           array(select r.role from public.member_role r
                  where r.timebank_id = a.timebank_id and r.member_id = a.member_id order by r.role),
           a.scopes, a.expires_at, a.revoked_at
      from public.api_token a
      join public.member m on m.timebank_id = a.timebank_id and m.id = a.member_id
     where a.token_sha256 = find_api_token.token_sha256 and m.status in ('active', 'paused')
$$;
