//! The reader of product definitions: whatever the text, it answers, and its report can be printed. The first byte says
//! where the rest is put: alone, or into the built-in definition, so that what is behind syntax is reached too.

#![no_main]

use keydesk::product::{DEFAULT, Definition};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let lines: Vec<&str> = DEFAULT.split_inclusive('\n').collect();
    let whole = match usize::from(*first) {
        0 => text.to_owned(),
        at => {
            let at = at % lines.len();
            lines[..at].concat() + text + "\n" + &lines[at + 1..].concat()
        }
    };
    match Definition::parse("fuzzed.toml", &whole) {
        Ok(definition) => drop(definition.warnings.to_string()),
        Err(refused) => {
            let report = refused.to_string();
            assert!(report.contains("fuzzed.toml:"), "{report}");
            assert!(refused.styled().len() >= report.len());
        }
    }
});
