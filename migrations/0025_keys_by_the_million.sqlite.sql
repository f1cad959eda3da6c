
-- What a key is found by, each as a word that begins with its account's: three letters in a row of its name (n), its
-- scopes (s), type (t), environment (e), inbox (i) and last characters (l). `key` leads from a key to its words.
create virtual table key_words using fts5 (
    key_id unindexed, words, detail = none, columnsize = 0, tokenize = "ascii tokenchars '_'"
);

create view words_of_keys as
select k.id as key_id, 'key' || k.id
    || coalesce((
        with recursive part (i) as (select 1 union all select i + 1 from part where i < length(k.name_folded) - 2)
        select group_concat(' ' || substr(k.account_id, 5, 8) || 'n' || hex(substr(k.name_folded, i, 3)), '')
        from part
    ), '')
    || coalesce((
        select group_concat(' ' || substr(k.account_id, 5, 8) || 's' || hex(value), '')
        from json_each('["' || replace(k.scopes, ' ', '","') || '"]')
    ), '')
    || ' ' || substr(k.account_id, 5, 8) || 't' || hex(k.key_type)
    || ' ' || substr(k.account_id, 5, 8) || 'e' || hex(k.environment)
    || ' ' || substr(k.account_id, 5, 8) || 'i' || hex(coalesce(k.inbox_id, ''))
    || ' ' || substr(k.account_id, 5, 8) || 'l' || hex(k.last4) as words
from api_keys k;

insert into key_words (key_id, words)
select key_id, words
from words_of_keys;

create trigger words_of_a_new_key after insert on api_keys
begin
    insert into key_words (key_id, words)
    select key_id, words
    from words_of_keys
    where key_id = new.id;
end;

create trigger words_of_a_changed_key after update of name_folded, scopes, last4 on api_keys
begin
    delete from key_words
    where rowid in (select w.rowid from key_words('key' || new.id) w where w.key_id = new.id);
    insert into key_words (key_id, words)
    select key_id, words
    from words_of_keys
    where key_id = new.id;
end;
