-- What secrets of this installation begin with, or ever began with: a key goes on working when the product definition
-- gives new ones another prefix.
create table secret_prefixes (
    prefix text primary key,
    first_issued_at bigint not null
);

insert into secret_prefixes (prefix, first_issued_at)
select prefix, min(created_at)
from api_keys
group by prefix;
