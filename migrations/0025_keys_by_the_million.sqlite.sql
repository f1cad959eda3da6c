
-- What a key is found by, each as a word that begins with its account's: three letters in a row of its name (n), its
-- scopes (s), type (t), environment (e), inbox (i) and last characters (l). A key has a number among them; its words are
-- told by it whenever they are asked for, and kept nowhere.
create table key_numbers (
    no integer primary key,
    key_id text not null unique references api_keys (id),
    -- Always null: the index asks its numbers for every column of its own.
    words text
);

create virtual table key_words using fts5 (
    key_id unindexed, words, content = 'key_numbers', content_rowid = 'no', detail = none, columnsize = 0,
    tokenize = "ascii tokenchars '_'"
);

create view words_of_keys as
select n.no, n.key_id, coalesce((
        with recursive part (i) as (select 1 union all select i + 1 from part where i < length(k.name_folded) - 2)
        select group_concat(' ' || substr(k.account_id, 5, 8) || 'n' || hex(substr(k.name_folded, i, 3)), '')
        from part
    ), '') || coalesce((
        select group_concat(' ' || substr(k.account_id, 5, 8) || 's' || hex(value), '')
        from json_each('["' || replace(k.scopes, ' ', '","') || '"]')
    ), '')
    || ' ' || substr(k.account_id, 5, 8) || 't' || hex(k.key_type)
    || ' ' || substr(k.account_id, 5, 8) || 'e' || hex(k.environment)
    || ' ' || substr(k.account_id, 5, 8) || 'i' || hex(coalesce(k.inbox_id, ''))
    || ' ' || substr(k.account_id, 5, 8) || 'l' || hex(k.last4) as words
from key_numbers n
join api_keys k on k.id = n.key_id;

insert into key_numbers (key_id)
select id
from api_keys;

insert into key_words (rowid, key_id, words)
select no, key_id, words
from words_of_keys;

create trigger words_of_a_new_key after insert on api_keys
begin
    insert into key_numbers (key_id) values (new.id);
    insert into key_words (rowid, key_id, words)
    select no, key_id, words
    from words_of_keys
    where key_id = new.id;
end;

create trigger words_of_a_key_to_change before update of name_folded, scopes, last4 on api_keys
begin
    insert into key_words (key_words, rowid, key_id, words)
    select 'delete', no, key_id, words
    from words_of_keys
    where key_id = old.id;
end;

create trigger words_of_a_changed_key after update of name_folded, scopes, last4 on api_keys
begin
    insert into key_words (rowid, key_id, words)
    select no, key_id, words
    from words_of_keys
    where key_id = new.id;
end;
