-- Passkeys: a key pair that a phone or computer keeps for a member. Global, like cards: read before the time bank is known.

create table passkey (
    credential_id bytea       primary key check (length(credential_id) between 1 and 1023),
    timebank_id   bigint      not null,
    member_id     bigint      not null,
    public_key    bytea       not null check (length(public_key) <= 4000),
    sign_count    bigint      not null check (sign_count >= 0),
    name          text        not null check (length(name) between 1 and 100),
    created_at    timestamptz not null,
    last_used_at  timestamptz,
    foreign key (timebank_id, member_id) references member (timebank_id, id)
);
create index passkey_by_member on passkey (timebank_id, member_id);
grant select, insert, update, delete on passkey to timebank_app;

-- What a page asked a phone to sign; each is good for one answer.
create table passkey_challenge (
    challenge_sha256 bytea       primary key,
    purpose          text        not null check (purpose in ('add', 'sign_in')),
    timebank_id      bigint,
    member_id        bigint,
    expires_at       timestamptz not null,
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    check ((purpose = 'add') = (member_id is not null))
);
create index passkey_challenge_by_member on passkey_challenge (timebank_id, member_id);
grant select, insert, delete on passkey_challenge to timebank_app;

create function find_passkey(credential_id bytea)
returns table (
    timebank_id bigint, timebank_name text, member_id bigint, roles text[], public_key bytea, sign_count bigint
)
language sql stable security definer set search_path = ''
as $$
    select p.timebank_id, t.name, p.member_id,
           array(select r.role from public.member_role r
                  where r.timebank_id = p.timebank_id and r.member_id = p.member_id order by r.role),
           p.public_key, p.sign_count
      from public.passkey p
      join public.timebank t on t.id = p.timebank_id
      join public.member m on m.timebank_id = p.timebank_id and m.id = p.member_id
     where p.credential_id = find_passkey.credential_id and m.status in ('active', 'paused')
$$;
revoke all on function find_passkey(bytea) from public;
grant execute on function find_passkey(bytea) to timebank_app;
