"""The guards themselves, in PostgreSQL's catalogue: I13, I21. These findings belong to no book."""

from ledger.checks.scope import Check

# Bits of pg_trigger.tgtype: 1 each row, 2 before, 8 delete, 16 update, 32 truncate. The four tables of which a part may
# change are guarded column by column, all others as a whole.
GUARDS = """
select null::bigint as book_id, null as account, format('ledger.%s: %s', g.tablename, g.problem) as message
from (
    select c.relname as tablename,
           'no guard refuses update, delete and truncate, or it is switched off' as problem
    from pg_class c
    left join pg_trigger t on t.tgrelid = c.oid and t.tgname = 'immutable'
    left join pg_proc p on p.oid = t.tgfoid
    where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p')
      and (t.tgenabled in ('O', 'A') and t.tgtype & 1 = 0 and t.tgtype & 58 = 58 and t.tgqual is null
           and (c.relname in ('book', 'account', 'balance', 'hold') or t.tgattr::text = '')
           and p.pronamespace = 'ledger'::regnamespace and p.proname = 'guard_immutable') is not true
    union all
    select needed.tablename, format('the guard %s is missing or switched off', needed.name)
    from (values ('posting', 'postings_balance', 'guard_postings_balance'),
                 ('balance', 'moves_on', 'guard_immutable'),
                 ('hold', 'ends_once', 'guard_immutable')) as needed (tablename, name, function)
    where not exists (
        select from pg_trigger t join pg_proc p on p.oid = t.tgfoid
        where t.tgrelid = ('ledger.' || needed.tablename)::regclass and t.tgname = needed.name
          and t.tgenabled in ('O', 'A')
          and p.pronamespace = 'ledger'::regnamespace and p.proname = needed.function
    )
    union all
    select 'entry', 'nothing checks that an entry balances'
    where not exists (
        select from pg_constraint
        where conrelid = 'ledger.entry'::regclass and conname = 'entry_is_balanced' and contype = 'c' and convalidated
    )
    union all
    select p.proname, 'this guard no longer refuses anything'
    from pg_proc p
    where p.pronamespace = 'ledger'::regnamespace and p.proname in ('guard_immutable', 'guard_postings_balance')
      and p.prosrc not like '%raise exception%'
) g
"""

ONLY_FUNCTIONS_WRITE = """
select null::bigint as book_id, null as account,
       format('%s may %s ledger.%s', coalesce(r.rolname, 'everyone'), lower(g.privilege_type), g.relname) as message
from (
    select c.relname, c.relowner, a.grantee, a.privilege_type
    from pg_class c cross join lateral aclexplode(c.relacl) a
    where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p', 'S')
    union all
    select c.relname || '.' || col.attname, c.relowner, a.grantee, a.privilege_type
    from pg_class c
    join pg_attribute col on col.attrelid = c.oid
    cross join lateral aclexplode(col.attacl) a
    where c.relnamespace = 'ledger'::regnamespace
) g
left join pg_roles r on r.oid = g.grantee
where g.grantee <> g.relowner and g.privilege_type <> 'SELECT'
union all
select null, null, format('everyone may execute ledger.%s, which acts as its owner', p.proname)
from pg_proc p
where p.pronamespace = 'ledger'::regnamespace and p.prosecdef
  and (p.proacl is null or exists (select from aclexplode(p.proacl) a where a.grantee = 0))
"""

# A key that leaves the book out could lead from one book to another, and a policy more could show one to another.
BOOKS_ARE_APART = """
select null::bigint as book_id, null as account, format('ledger.%s: %s', g.tablename, g.problem) as message
from (
    select c.relname as tablename, format('the key %s does not begin with the book', k.conname) as problem
    from pg_constraint k
    join pg_class c on c.oid = k.conrelid
    join pg_attribute book on book.attrelid = c.oid and book.attname = 'book_id'
    where c.relnamespace = 'ledger'::regnamespace
      and (k.contype in ('p', 'u') and k.conkey[1] <> book.attnum
           or k.contype = 'f' and k.conkey[1] <> book.attnum
              and exists (select from pg_attribute f where f.attrelid = k.confrelid and f.attname = 'book_id')
           or not k.convalidated)
    union all
    select c.relname, 'row-level security is off, or other than one policy for one book'
    from pg_class c
    where c.relnamespace = 'ledger'::regnamespace and c.relkind in ('r', 'p')
      and (c.relname = 'book'
           or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'book_id' and a.attnum > 0))
      and not (c.relrowsecurity and (
          select count(*) = 1 and bool_and(pg_get_expr(p.polqual, p.polrelid) like '%''ledger.book''%')
          from pg_policy p where p.polrelid = c.oid
      ))
) g
"""

CATALOGUE_CHECKS = (
    Check("I13", "the guards against changing what is written are there and switched on", GUARDS),
    Check("I13", "only the ledger's functions may write", ONLY_FUNCTIONS_WRITE),
    Check("I21", "keys begin with the book, and row-level security shows one book", BOOKS_ARE_APART),
)
