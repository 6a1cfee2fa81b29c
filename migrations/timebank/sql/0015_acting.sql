-- Acting for somebody: a stretch of time in which one member, in one browser, does what another asked them to do.

create table acting (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    actor_id     bigint      not null,
    subject_id   bigint      not null,
    as_supporter boolean     not null,
    reason       text        not null check (length(reason) between 1 and 200),
    how_agreed   text        not null check (how_agreed in ('in_person', 'phone', 'letter', 'standing')),
    started_at   timestamptz not null,
    ends_at      timestamptz not null,
    ended_at     timestamptz,
    primary key (timebank_id, id),
    foreign key (timebank_id, actor_id) references member (timebank_id, id),
    foreign key (timebank_id, subject_id) references member (timebank_id, id),
    check (actor_id <> subject_id),
    check (ends_at > started_at)
);
create index acting_by_subject on acting (timebank_id, subject_id, id desc);
call protect_tenant_table('acting', 'select, insert, update');

alter table web_session
    add column acting_id bigint,
    add foreign key (timebank_id, acting_id) references acting (timebank_id, id);

drop function find_session(bytea);
create function find_session(token_sha256 bytea)
returns table (
    timebank_id bigint, timebank_name text, timebank_slug text, time_zone text, currency text, help_contact text,
    member_id bigint, display_name text, roles text[],
    csrf text, is_remembered boolean, seen_at timestamptz, expires_at timestamptz,
    acting_id bigint, acting_for_id bigint, acting_for_name text, acting_reason text, acting_how_agreed text,
    acting_ends_at timestamptz, acting_scope text[]
)
language sql stable security definer set search_path = ''
as $$
    select s.timebank_id, t.name, t.slug, t.time_zone, t.currency, t.help_contact,
           s.member_id, m.display_name,
           array(select r.role from public.member_role r
                  where r.timebank_id = s.timebank_id and r.member_id = s.member_id order by r.role),
           s.csrf, s.is_remembered, s.seen_at, s.expires_at,
           a.id, a.subject_id, a.subject_name, a.reason, a.how_agreed, a.ends_at, a.scope
      from public.web_session s
      join public.timebank t on t.id = s.timebank_id
      join public.member m on m.timebank_id = s.timebank_id and m.id = s.member_id
      left join lateral (
            -- A supporter's rights are looked up every time: what is withdrawn ends at once.
            select acting.*, subject.display_name as subject_name, agreed.scope
              from public.acting
              join public.member subject
                on subject.timebank_id = acting.timebank_id and subject.id = acting.subject_id
              left join lateral (
                    select supporter.scope from public.supporter
                     where acting.as_supporter and supporter.timebank_id = acting.timebank_id
                       and supporter.member_id = acting.subject_id
                       and supporter.supporter_member_id = acting.actor_id and supporter.ended_at is null
                       and (now() at time zone t.time_zone)::date >= supporter.starts_on
                       and (supporter.ends_on is null or (now() at time zone t.time_zone)::date <= supporter.ends_on)
                     order by supporter.id desc limit 1
                   ) agreed on true
             where acting.timebank_id = s.timebank_id and acting.id = s.acting_id and acting.ended_at is null
               and subject.status in ('active', 'paused') and (agreed.scope is not null or not acting.as_supporter)
           ) a on true
     where s.token_sha256 = find_session.token_sha256 and m.status in ('active', 'paused')
$$;
revoke all on function find_session(bytea) from public;
grant execute on function find_session(bytea) to timebank_app;
