-- What several rooms need at once: more kinds of members and roles, more about activities, and one way to guard a table.

-- Every table that belongs to a time bank gets the same policy, and the application exactly the rights named.
-- A migration calls it after creating the table: call protect_tenant_table('consent', 'select, insert').
create procedure protect_tenant_table(table_name text, rights text)
language plpgsql
as $$
begin
    execute format('alter table public.%I enable row level security', table_name);
    execute format(
        'create policy one_timebank on public.%I '
        'using (timebank_id = nullif(current_setting(''ledger.book'', true), '''')::bigint) '
        'with check (timebank_id = nullif(current_setting(''ledger.book'', true), '''')::bigint)',
        table_name);
    execute format('grant %s on public.%I to timebank_app', rights, table_name);
end $$;
revoke all on procedure protect_tenant_table(text, text) from public;

alter table member
    add column kind text not null default 'person' check (kind in ('person', 'group', 'organisation')),
    add column postal_address text not null default '' check (length(postal_address) <= 500),
    add column language text not null default 'en' check (language ~ '^[a-z]{2}$'),
    add column standing_choice text not null default 'hours'
        check (standing_choice in ('hours', 'pot', 'member', 'nothing')),
    add column standing_to_id bigint,
    add foreign key (timebank_id, standing_to_id) references member (timebank_id, id),
    add check ((standing_choice = 'member') = (standing_to_id is not null)),
    add check (standing_to_id <> id),
    drop constraint member_contact_route_check,
    add constraint member_contact_route_check check (contact_route in ('none', 'email', 'sms', 'phone', 'letter')),
    drop constraint member_status_check,
    add constraint member_status_check check (status in ('active', 'paused', 'left'));

alter table member_role
    drop constraint member_role_role_check,
    add constraint member_role_role_check check (role in ('coordinator', 'finance', 'admin', 'approver'));

alter table activity
    add column gives text not null default 'hours' check (gives in ('hours', 'fee')),
    add column work_kind text not null default 'volunteering'
        check (work_kind in ('service_user_involvement', 'volunteering', 'peer_exchange')),
    add column receivers_pay boolean not null default false;
