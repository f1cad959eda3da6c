
-- Names stand in the order of their bytes, as in SQLite, whatever the database's language.
alter table api_keys alter column name_folded type text collate "C";

-- What a key is found by, each as a word that begins with its account's: three letters in a row of its name (n), its
-- scopes (s), type (t), environment (e), inbox (i) and last characters (l). Beside the keys, so that their use, which
-- writes a key anew, does not write its words.
create table key_word_sets (
    key_id text primary key references api_keys (id),
    words text[] not null
);

create view words_of_keys as
select k.id as key_id, array(
    select w.word
    from (
        select substr(k.account_id, 5, 8) || 'n' || encode(convert_to(substr(k.name_folded, i, 3), 'UTF8'), 'hex') as word
        from generate_series(1, greatest(length(k.name_folded) - 2, 1)) as part (i)
        union
        select substr(k.account_id, 5, 8) || 's' || encode(convert_to(scope, 'UTF8'), 'hex')
        from unnest(string_to_array(k.scopes, ' ')) as held (scope)
        union
        select substr(k.account_id, 5, 8) || 't' || encode(convert_to(k.key_type, 'UTF8'), 'hex')
        union
        select substr(k.account_id, 5, 8) || 'e' || encode(convert_to(k.environment, 'UTF8'), 'hex')
        union
        select substr(k.account_id, 5, 8) || 'i' || encode(convert_to(coalesce(k.inbox_id, ''), 'UTF8'), 'hex')
        union
        select substr(k.account_id, 5, 8) || 'l' || encode(convert_to(k.last4, 'UTF8'), 'hex')
    ) as w
) as words
from api_keys k;

insert into key_word_sets (key_id, words)
select key_id, words
from words_of_keys;

create index key_word_sets_by_word on key_word_sets using gin (words);

create function note_words_of_a_key() returns trigger
language plpgsql
as $$
begin
    insert into key_word_sets (key_id, words)
    select key_id, words
    from words_of_keys
    where key_id = new.id
    on conflict (key_id) do update set words = excluded.words;
    return null;
end
$$;

create trigger words_of_a_new_key after insert on api_keys
for each row execute function note_words_of_a_key();
create trigger words_of_a_changed_key after update of name_folded, scopes, last4 on api_keys
for each row execute function note_words_of_a_key();

-- As the table of that name is asked on SQLite: the keys that have all of these words.
create function key_words(wanted text) returns table (key_id text)
language sql
stable
as $$
    select s.key_id
    from key_word_sets s
    where s.words @> string_to_array(wanted, ' ')
$$;
