-- Signing in with a code that goes to the member's own e-mail address or phone, and saying once more who one is.
-- Global, like links and cards: read before the time bank is known. Nothing here shows an address or a code.

create table sign_in_ask (
    ask_sha256     bytea       primary key,          -- of a secret that only the browser has that asked
    channel        text        not null check (channel in ('email', 'sms')),
    address_sha256 bytea       not null,             -- of what was typed, for counting; known to us or not
    network        text        not null check (length(network) <= 64),
    code_sha256    bytea       not null,             -- of the code together with the browser's secret
    link_sha256    bytea       unique,               -- of the link in the e-mail
    wrong_tries    integer     not null default 0 check (wrong_tries between 0 and 1000),
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    proved_at      timestamptz,                      -- the code was right, or the link was opened in the same browser
    used_at        timestamptz
);
create index sign_in_ask_by_address on sign_in_ask (address_sha256, created_at);
create index sign_in_ask_by_network on sign_in_ask (network, created_at);

-- Whom an ask may sign in: one member, or several where a family shares an address. None where nobody has it.
create table sign_in_ask_member (
    ask_sha256  bytea  not null references sign_in_ask on delete cascade,
    timebank_id bigint not null,
    member_id   bigint not null,
    primary key (ask_sha256, timebank_id, member_id),
    foreign key (timebank_id, member_id) references member (timebank_id, id)
);

grant select, insert, update, delete on sign_in_ask to timebank_app;
grant select, insert, delete on sign_in_ask_member to timebank_app;

-- When this browser last showed who is in front of it: by signing in, or by a code or card since.
alter table web_session add column confirmed_at timestamptz;

create index member_by_email on member (lower(email)) where email <> '';
create index member_by_phone on member (right(regexp_replace(phone, '\D', '', 'g'), 9)) where phone <> '';

-- Who is reached at an address, in every time bank. A phone number counts by its last nine digits, because people write
-- it with or without the country; the code goes to the number on record and never to what was typed. Staff are left out:
-- they sign in in a stronger way.
create function find_members_by_address(channel text, wanted text)
returns table (
    timebank_id bigint, timebank_name text, member_id bigint, display_name text, roles text[], address text
)
language sql stable security definer set search_path = ''
as $$
    select m.timebank_id, t.name, m.id, m.display_name, array[]::text[],
           case when find_members_by_address.channel = 'email' then m.email else m.phone end
      from public.member m
      join public.timebank t on t.id = m.timebank_id
     where m.status in ('active', 'paused')
       and case when find_members_by_address.channel = 'email'
                then m.email <> '' and lower(m.email) = find_members_by_address.wanted
                else m.phone <> '' and length(find_members_by_address.wanted) = 9
                     and right(regexp_replace(m.phone, '\D', '', 'g'), 9) = find_members_by_address.wanted end
       and not exists (select from public.member_role r
                        where r.timebank_id = m.timebank_id and r.member_id = m.id
                          and r.role in ('coordinator', 'finance', 'admin'))
       and not exists (select from public.safeguarding_person s
                        where s.timebank_id = m.timebank_id and s.member_id = m.id)
     order by m.timebank_id, m.id
     limit 20
$$;
revoke all on function find_members_by_address(text, text) from public;
grant execute on function find_members_by_address(text, text) to timebank_app;

-- The members of an ask whose code was right.
create function find_asked_members(ask_sha256 bytea)
returns table (timebank_id bigint, timebank_name text, member_id bigint, display_name text, roles text[])
language sql stable security definer set search_path = ''
as $$
    select m.timebank_id, t.name, m.id, m.display_name,
           array(select r.role from public.member_role r
                  where r.timebank_id = m.timebank_id and r.member_id = m.id order by r.role)
      from public.sign_in_ask a
      join public.sign_in_ask_member c on c.ask_sha256 = a.ask_sha256
      join public.member m on m.timebank_id = c.timebank_id and m.id = c.member_id
      join public.timebank t on t.id = m.timebank_id
     where a.ask_sha256 = find_asked_members.ask_sha256 and a.proved_at is not null and a.used_at is null
       and m.status in ('active', 'paused')
     order by t.name, m.display_name, m.id
$$;
revoke all on function find_asked_members(bytea) from public;
grant execute on function find_asked_members(bytea) to timebank_app;
