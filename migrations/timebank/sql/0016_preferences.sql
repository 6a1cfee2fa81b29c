-- How a member wants to read and be shown, and what others may see of them.

alter table member
    add column easy_read boolean not null default false,
    add column large_text boolean not null default false,
    -- How their hours are shown to them: what they have, or what they gave and used.
    add column hours_shown text not null default 'have' check (hours_shown in ('have', 'gave_and_used')),
    -- Who may see what they can share and would like.
    add column skills_shown_to text not null default 'members'
        check (skills_shown_to in ('members', 'coordinators', 'nobody')),
    -- Whether somebody who holds a printed statement may check its code.
    add column statement_checks boolean not null default false;

drop function find_session(bytea);
create function find_session(token_sha256 bytea)
returns table (
    timebank_id bigint, timebank_name text, timebank_slug text, time_zone text, currency text, help_contact text,
    member_id bigint, display_name text, roles text[],
    csrf text, is_remembered boolean,
    language text, easy_read boolean, large_text boolean, seen_at timestamptz, expires_at timestamptz,
    acting_id bigint, acting_for_id bigint, acting_for_name text, acting_reason text, acting_how_agreed text,
    acting_ends_at timestamptz, acting_scope text[]
)
language sql stable security definer set search_path = ''
as $$
    select s.timebank_id, t.name, t.slug, t.time_zone, t.currency, t.help_contact,
           s.member_id, m.display_name,
           array(select r.role from public.member_role r
                  where r.timebank_id = s.timebank_id and r.member_id = s.member_id order by r.role),
           s.csrf, s.is_remembered,
           m.language, m.easy_read, m.large_text, s.seen_at, s.expires_at,
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
