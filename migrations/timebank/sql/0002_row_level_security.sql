-- One policy, the same on every table that belongs to a time bank, and the rights of the application's role.
-- Not forced: a forced policy makes the owner's back-fills change nothing, silently, and pg_dump fail.
--
-- nullif: after one SET LOCAL the setting is an empty string on that connection, and a bare cast would fail.

do $$
declare
    tenant_table text;
begin
    foreach tenant_table in array array[
        'idempotency', 'rules', 'member', 'member_role', 'access_log', 'activity', 'register_upload', 'register',
        'contribution', 'payee', 'payment_batch', 'payable', 'payable_event', 'offer', 'redemption', 'redemption_event'
    ] loop
        execute format('alter table %I enable row level security', tenant_table);
        execute format(
            'create policy one_timebank on %I '
            'using (timebank_id = nullif(current_setting(''ledger.book'', true), '''')::bigint) '
            'with check (timebank_id = nullif(current_setting(''ledger.book'', true), '''')::bigint)',
            tenant_table);
    end loop;
end $$;

revoke all on schema public from public;
grant usage on schema public to timebank_app;

grant select, insert on timebank, person, rules, access_log, register_upload, payable_event, redemption_event,
    sign_in_attempt, payment_batch to timebank_app;
grant select, insert, update on idempotency, member, activity, register, contribution, payee, payable, offer, redemption,
    web_session, sign_in_link, card, api_token to timebank_app;
grant select, insert, delete on member_role to timebank_app;
grant delete on web_session, sign_in_attempt to timebank_app;
