-- Who may see what: of every table that has a book, the rows of the book that is set for the transaction. Enabled, not forced: forced,
-- an owner's back-fill would silently change nothing and a dump would fail. Units belong to no book.

do $$
declare
    v_table text;
begin
    for v_table in
        select c.relname from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attname = 'book_id'
        where c.relnamespace = 'ledger'::regnamespace and c.relkind = 'r'
    loop
        execute format('alter table ledger.%I enable row level security', v_table);
        execute format(
            'create policy one_book on ledger.%I using (book_id = nullif(current_setting(''ledger.book'', true), '''')::bigint)',
            v_table);
    end loop;
end $$;

alter table ledger.book enable row level security;
create policy one_book on ledger.book using (id = nullif(current_setting('ledger.book', true), '')::bigint);

-- PostgreSQL lets everyone execute a new function. A later file that adds functions must say this again.
revoke execute on all functions in schema ledger from public;
