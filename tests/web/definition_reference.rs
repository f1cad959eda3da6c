//! `docs/definition.md` is what the code reads and the built-in definition explains, and nothing else: it is written by this
//! test, and fails where it is not.
//!
//!     KEYDESK_WRITE_DOCS=1 cargo test --test web the_definition_reference

use std::fmt::Write as _;

use keydesk::product::DEFAULT;
use regex::Regex;

const READER: &str = include_str!("../../src/product/definition.rs");
const PRODUCT: &str = include_str!("../../src/product/mod.rs");
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/definition.md");

const INTRODUCTION: &str = "\
# The product definition

One TOML file says what this installation of Keydesk is the desk of. `keydesk init` writes the built-in one to start from,
with the same explanations as below; `keydesk check FILE` says every mistake in yours at once, each with its line, and which
existing keys could not be created any more; `keydesk --product FILE` (`KEYDESK_PRODUCT`) starts with it. Five more to
start from are in [products/](../products). An unknown field is a mistake.

*Built in* is what stands in the built-in definition, which is also the whole of it when there is no file.
";

/// A table of the definition.
struct Table {
    name: String,
    is_list: bool,
    required: bool,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    required: bool,
}

/// What the code reads: the tables of a product, in order, and the fields of each.
fn tables() -> Vec<Table> {
    let fields_of = fields_by_type();
    let product =
        PRODUCT.split_once("pub struct Product {").and_then(|(_, rest)| rest.split_once('}')).expect("a struct").0;
    let row = Regex::new(r"pub (\w+): (?:(Vec|Option)<)?(\w+)").expect("a regular expression");
    let table = |found: regex::Captures<'_>| {
        let how = format!("{}: fields.required(", &found[1]);
        let fields = fields_of.iter().find(|(name, _)| *name == found[3]).expect("the fields are read somewhere");
        Table {
            name: found[1].to_owned(),
            is_list: found.get(2).is_some_and(|kind| kind.as_str() == "Vec"),
            required: READER.contains(&how),
            fields: fields.1.iter().map(|(name, required)| Field { name: name.clone(), required: *required }).collect(),
        }
    };
    row.captures_iter(product).map(table).collect()
}

type Fields = Vec<(String, bool)>;

/// Type, and the name of each field with whether it is required.
fn fields_by_type() -> Vec<(String, Fields)> {
    let block = Regex::new(r"(?s)table!\((\w+) \{(.*?)\}\);").expect("a regular expression");
    let field = Regex::new(r"(\w+): (\w+)").expect("a regular expression");
    let by_macro = block.captures_iter(READER).map(|found| {
        let fields = field.captures_iter(&found[2]).map(|field| (field[1].to_owned(), &field[2] == "required"));
        (found[1].to_owned(), fields.collect())
    });
    let by_hand = Regex::new(r"(?s)impl Read for (\w+) \{.*?fields\|(.*?)\n    \}").expect("a regular expression");
    let call = Regex::new(r#"fields\.(\w+)\("(\w+)"\)"#).expect("a regular expression");
    let by_hand = by_hand.captures_iter(READER).filter(|found| !found[1].starts_with('$')).map(|found| {
        let fields = call.captures_iter(&found[2]).map(|call| (call[2].to_owned(), &call[1] == "required"));
        let mut fields: Fields = fields.collect();
        let lines = Regex::new(r"Lines\(\w+\)\) = .*").expect("a regular expression");
        assert!(lines.is_match(&found[2]), "{}", &found[1]);
        fields.dedup();
        (found[1].to_owned(), fields)
    });
    by_macro.chain(by_hand).collect()
}

/// What the built-in definition says of a table: before it, and before each of its fields.
struct Said {
    of_table: String,
    example: String,
    of_fields: Vec<(String, String, String)>,
}

fn said(table: &Table) -> Said {
    let header = if table.is_list { format!("[[{}]]", table.name) } else { format!("[{}]", table.name) };
    let lines: Vec<&str> = DEFAULT.lines().collect();
    let at = lines.iter().position(|line| line.trim_start_matches(['#', ' ']) == header);
    let at = at.unwrap_or_else(|| panic!("{header} is in the built-in definition"));
    let before = lines[..at].iter().rposition(|line| !line.starts_with('#')).map_or(0, |line| line + 1);
    let of_table = comment(&lines[before..at]);
    if lines[at].starts_with('#') {
        let rest = lines[at..].iter().take_while(|line| line.starts_with("# ")).map(|line| line[1..].trim());
        return Said { of_table, example: rest.collect::<Vec<_>>().join("\n"), of_fields: Vec::new() };
    }
    let mut of_fields = Vec::new();
    let mut start = at + 1;
    for (number, line) in lines.iter().enumerate().skip(at + 1).take_while(|(_, line)| !line.starts_with('[')) {
        let Some((name, value)) = line.trim_start_matches("# ").split_once(" = ") else { continue };
        if !table.fields.iter().any(|field| field.name == name) {
            continue;
        }
        let value = if line.starts_with('#') { String::new() } else { value.to_owned() };
        of_fields.push((name.to_owned(), comment(&lines[start..number]), value));
        start = number + 1;
    }
    Said { of_table, example: String::new(), of_fields }
}

/// The words of comment lines, as one line.
fn comment(lines: &[&str]) -> String {
    let words = lines.iter().filter_map(|line| line.strip_prefix("# ")).filter(|line| !line.contains(" = "));
    words.collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// A comment that explains several fields, as `id: … label: …`, in parts: what is said of all, and of each.
fn parts(of_table: &str, table: &Table) -> (String, Vec<(String, String)>) {
    let mut starts: Vec<(usize, &str)> = table
        .fields
        .iter()
        .filter_map(|field| {
            let start = Regex::new(&format!(r"(?:^|[.;] |tables? )({}): ", field.name)).expect("a regular expression");
            let found = start.captures(of_table)?.get(1)?;
            Some((found.start(), field.name.as_str()))
        })
        .collect();
    starts.sort_unstable();
    let of_table = of_table.trim_end_matches(" None here; for example");
    let mut all = of_table[..starts.first().map_or(of_table.len(), |(start, _)| *start)].trim().to_owned();
    let mut each = Vec::new();
    for (number, (start, name)) in starts.iter().enumerate() {
        let end = starts.get(number + 1).map_or(of_table.len(), |(end, _)| *end);
        let mut words = of_table[start + name.len() + 2..end].trim();
        if number + 1 == starts.len()
            && let Some((own, rest)) = words.split_once(". Leave ")
        {
            let _ = write!(all, " Leave {rest}");
            words = own;
        }
        each.push(((*name).to_owned(), format!("{}.", words.trim_end_matches('.'))));
    }
    (all.trim().to_owned(), each)
}

fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for table in tables() {
        let said = said(&table);
        let (of_all, of_each) = parts(&said.of_table, &table);
        let brackets = if table.is_list { ("[[", "]]") } else { ("[", "]") };
        let required = match (table.required, table.is_list) {
            (true, false) => "Required.",
            (true, true) => "Required: one or more.",
            (false, false) => "May be left out.",
            (false, true) => "Any number.",
        };
        let heading = format!("{}{}{}", brackets.0, table.name, brackets.1);
        let _ = writeln!(text, "\n## `{heading}`\n\n{}", format!("{required} {of_all}").trim_end());
        if !said.example.is_empty() {
            let _ = write!(text, "\n```toml\n{}\n```\n", said.example);
        }
        let built_in = if table.is_list { "" } else { " Built in |" };
        let _ =
            write!(text, "\n| Field | |{built_in} Says |\n|---|---|{}---|\n", if table.is_list { "" } else { "---|" });
        for field in &table.fields {
            let _ = writeln!(text, "{}", row(field, &said, &of_each, table.is_list));
        }
    }
    text.replace("  ", " ")
}

/// The line of a field. What stands in the built-in definition is of interest where there is one such table.
fn row(field: &Field, said: &Said, of_each: &[(String, String)], in_list: bool) -> String {
    let own = said.of_fields.iter().find(|(name, ..)| *name == field.name);
    let shared = of_each.iter().find(|(name, _)| *name == field.name).map(|(_, words)| words.clone());
    let own_words = own.map(|(_, words, _)| words.clone()).filter(|words| !words.is_empty());
    let words = shared.or(own_words).unwrap_or_default();
    let value = match own.map(|(.., value)| value.as_str()).filter(|value| !value.is_empty()) {
        _ if in_list => String::new(),
        Some(value) => format!(" `{value}` |"),
        None => " |".into(),
    };
    let required = if field.required { "required" } else { "" };
    format!("| `{}` | {required} |{value} {} |", field.name, capitalised(&words))
}

/// As a sentence begins, unless it begins with a value.
fn capitalised(words: &str) -> String {
    const VALUES: [&str; 6] = ["once", "true", "none", "full", "read", "resource"];
    if VALUES.iter().any(|value| words.starts_with(value)) {
        return words.to_owned();
    }
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[test]
fn the_definition_reference_says_what_the_code_reads() {
    let reference = reference();
    if std::env::var_os("KEYDESK_WRITE_DOCS").is_some() {
        std::fs::write(FILE, &reference).expect("docs/definition.md can be written");
    }
    let written = std::fs::read_to_string(FILE).expect("docs/definition.md");
    assert!(written == reference, "KEYDESK_WRITE_DOCS=1 cargo test --test web the_definition_reference");
}

#[test]
fn the_definition_reference_explains_every_field() {
    for table in tables() {
        assert!(!table.fields.is_empty(), "{}", table.name);
        let said = said(&table);
        let (_, of_each) = parts(&said.of_table, &table);
        for field in table.fields.iter().filter(|_| said.example.is_empty()) {
            let own = said.of_fields.iter().any(|(name, words, _)| *name == field.name && !words.is_empty());
            let shared = of_each.iter().any(|(name, _)| *name == field.name);
            assert!(own || shared, "{}.{} has no explanation in the built-in definition", table.name, field.name);
        }
    }
}
