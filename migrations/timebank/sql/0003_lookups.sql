-- Looking up a secret before the time bank is known: one function for each kind of secret.
--
-- They run with the owner's rights, because the member behind the secret is hidden by row-level security until the time
-- bank is set. Each takes the SHA-256 of a secret and gives at most one row; without the secret they give nothing. Only
-- active members are found. Whether the secret is still good (expired, used, idle) is decided by timebank/identity/rules.py.

create function find_session(token_sha256 bytea)
returns table (
    timebank_id bigint, timebank_name text, timebank_slug text, time_zone text, currency text, help_contact text,
    member_id bigint, display_name text, roles text[],
    csrf text, is_remembered boolean, seen_at timestamptz, expires_at timestamptz
)
language sql stable security definer set search_path = ''
as $$
    select s.timebank_id, t.name, t.slug, t.time_zone, t.currency, t.help_contact,
           s.member_id, m.display_name,
           array(select r.role from public.member_role r
                  where r.timebank_id = s.timebank_id and r.member_id = s.member_id order by r.role),
           s.csrf, s.is_remembered, s.seen_at, s.expires_at
      from public.web_session s
      join public.timebank t on t.id = s.timebank_id
      join public.member m on m.timebank_id = s.timebank_id and m.id = s.member_id
     where s.token_sha256 = find_session.token_sha256 and m.status = 'active'
$$;

create function find_sign_in_link(token_sha256 bytea)
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
     where l.token_sha256 = find_sign_in_link.token_sha256 and m.status = 'active'
$$;

create function find_card(token_sha256 bytea)
returns table (card_id bigint, timebank_id bigint, member_id bigint, roles text[], pin_hash text)
language sql stable security definer set search_path = ''
as $$
    select c.id, c.timebank_id, c.member_id,
           array(select r.role from public.member_role r
                  where r.timebank_id = c.timebank_id and r.member_id = c.member_id order by r.role),
           c.pin_hash
      from public.card c
      join public.member m on m.timebank_id = c.timebank_id and m.id = c.member_id
     where c.token_sha256 = find_card.token_sha256 and c.revoked_at is null and m.status = 'active'
$$;

create function find_api_token(token_sha256 bytea)
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
     where a.token_sha256 = find_api_token.token_sha256 and m.status = 'active'
$$;

revoke all on function find_session(bytea), find_sign_in_link(bytea), find_card(bytea), find_api_token(bytea) from public;
grant execute on function find_session(bytea), find_sign_in_link(bytea), find_card(bytea), find_api_token(bytea)
    to timebank_app;
